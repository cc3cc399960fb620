"""The warehouse: the only place that knows DuckDB. Connections are short, every write is one transaction."""
