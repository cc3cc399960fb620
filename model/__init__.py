"""Arrays and frames in and out: the scorecard, scoring, reason codes, stability, performance; I/O only in artifact."""
