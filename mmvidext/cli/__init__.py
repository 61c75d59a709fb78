"""The ``mmvidext`` command: one module for each of its commands. ``tools/*.py`` call the same code."""
