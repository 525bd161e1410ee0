"""Secrets: how they are made, and how they rest."""
