"""The order of file names in which people mean them: 2 before 10."""

import re
from collections.abc import Sequence
from itertools import pairwise

__all__ = ['natural_key', 'numbering_gap', 'repeated_number']

_NUMBER = re.compile(r'([0-9]+)')
_ENDS_IN_NUMBER = re.compile(r'(.*?)([0-9]{1,18})')


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a sorting key that compares the numbers in a name by their values.

    Example:
        >>> sorted(['10.jpg', '2.jpg', '1.jpg'], key=natural_key)
        ['1.jpg', '2.jpg', '10.jpg']
    """
    parts = _NUMBER.split(name)  # text at even places, digits at odd ones
    return [int(part[:300]) if place % 2 else part for place, part in enumerate(parts)], name


def repeated_number(stems: Sequence[str]) -> tuple[str, str] | None:
    """Return the first two names of frames that have the same number, such as ``a_1`` and ``a_01``.

    Args:
        stems: Names without suffix, in natural order. Names that do not end in a number are not looked at.
    """
    return next(((before, after) for step, before, after in _steps(stems) if step == 0), None)


def numbering_gap(stems: Sequence[str]) -> tuple[str, str] | None:
    """Return the first two names between which frames are missing: their step is longer than the shortest.

    Args:
        stems: Names without suffix, in natural order. Names that do not end in a number are not looked at.
    """
    steps = _steps(stems)
    shortest = min((step for step, *_ in steps), default=0)
    return next(((before, after) for step, before, after in steps if step > shortest), None)


def _steps(stems: Sequence[str]) -> list[tuple[int, str, str]]:
    """Return the difference of the numbers of neighbors, and their names."""
    numbered = [(match[1], int(match[2]), stem) for stem in stems if (match := _ENDS_IN_NUMBER.fullmatch(stem))]
    return [
        (second - first, before, after)
        for (prefix, first, before), (other, second, after) in pairwise(numbered)
        if prefix == other
    ]
