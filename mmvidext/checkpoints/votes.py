"""What most keys of a state dict say: one that is missing or too much does not turn a network into another."""

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import TypeVar

__all__ = ['majority', 'most_common']

T = TypeVar('T', bound=Hashable)


def majority(votes: Iterable[bool]) -> bool:
    """Return whether more than half of the votes are yes; without any it is no."""
    counted = Counter(votes)
    return counted[True] > counted[False]


def most_common(votes: Iterable[T], default: T) -> T:
    """Return the most frequent vote, the earlier one of two that are as frequent; without any it is ``default``."""
    winners = Counter(votes).most_common(1)
    return winners[0][0] if winners else default
