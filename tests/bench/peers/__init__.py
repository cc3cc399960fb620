"""What the service is measured against: each a server of its own, asked for the same by the same load."""
