"""Text of others, such as names in a file, for a terminal, a log or a list with a line for each entry."""

__all__ = ['printable']


def printable(text: str) -> str:
    r"""Escape what is not printable: line ends, and the codes that make a terminal do something.

    Example:
        >>> print(printable('turn left\x1b[2J'))
        turn left\x1b[2J
    """
    return ''.join(
        letter if letter.isprintable() else letter.encode('unicode_escape', 'backslashreplace').decode()
        for letter in text
    )
