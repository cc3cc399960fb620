"""Benchmarks, started by `make bench`: ratios within one run, never seconds on their own."""
