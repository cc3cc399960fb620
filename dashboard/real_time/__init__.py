"""The page Real time: what the service answered, and how fast."""
