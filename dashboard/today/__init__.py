"""The page Today: is the day all right, and what of it needs a person."""
