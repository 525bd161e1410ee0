"""The audit, and how its pages are cut."""
