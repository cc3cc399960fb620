"""The page One application: all that is known of it, and why it was decided so."""
