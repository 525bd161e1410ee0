"""Operators, their sessions, and service accounts."""
