"""Tests are sentences over actors, on both engines."""
