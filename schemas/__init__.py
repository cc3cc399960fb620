"""What data is: the application contract, the gate's rules and results, the records, the errors, the settings."""
