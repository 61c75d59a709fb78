"""What ends a run with one line instead of a traceback."""

__all__ = ['RunError']


class RunError(ValueError):
    """A run cannot start, resume or save. The message says what is wrong and what to change."""
