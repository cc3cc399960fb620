"""The page Drift: which features moved when, and how far."""
