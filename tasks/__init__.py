"""The verbs of a day: each module is one step, thin over the pure code below it."""
