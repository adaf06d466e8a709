"""Journals: JSON-lines files that survive a crash."""
