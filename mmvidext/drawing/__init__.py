"""Predictions drawn into pictures, with text of any script."""
