"""The comparisons behind ``tools/benchmark.py``: one module for each subcommand."""
