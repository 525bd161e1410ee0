"""What the service does, free of HTTP and SQL: one method per use case."""
