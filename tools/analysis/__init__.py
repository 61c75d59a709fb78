"""Tools that look at data, models and runs."""
