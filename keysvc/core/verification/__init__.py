"""Whether a presented secret is good, and what that leaves behind."""
