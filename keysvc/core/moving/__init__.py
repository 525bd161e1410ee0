"""A database moves: copied to another engine, backed up, restored."""
