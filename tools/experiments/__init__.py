"""Experiments whose tables are in the documentation."""
