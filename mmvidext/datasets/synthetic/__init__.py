"""Rendered scenes with exact labels, written in the formats of real data sets."""
