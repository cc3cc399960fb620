"""What people look at: the warehouse in tables, pictures and sentences."""
