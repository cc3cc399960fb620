"""The page Scores: bands, decisions, scores, and how they moved."""
