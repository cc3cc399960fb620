"""The page Performance: estimated and realised, calibration, fairness."""
