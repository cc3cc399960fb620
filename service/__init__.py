"""The real-time service: one application over HTTP, one answer, on the record."""
