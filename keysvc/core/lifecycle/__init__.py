"""Credentials from their issue to their end."""
