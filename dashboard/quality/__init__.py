"""The page Data quality: rules, quarantined rows, the gate, the monitors."""
