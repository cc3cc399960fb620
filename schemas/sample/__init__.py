"""The generated portfolio of the default contract: no row of it is about a real person."""
