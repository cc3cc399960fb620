"""Benchmarks, started by `make bench`: speed as ratios within one run; only waiting times and memory as they are."""
