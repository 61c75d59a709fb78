"""Naive references, written loop by loop from the formulas: slow on purpose, sharing nothing with the package."""
