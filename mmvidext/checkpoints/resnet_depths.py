"""Depths of residual networks, by their blocks."""

import re
from collections.abc import Callable, Set
from typing import TypeVar

from mmvidext.checkpoints.source import StateDict

__all__ = ['find_depth', 'nearest_counts']

Counts = tuple[int, ...]
Block = TypeVar('Block')

_BASIC: tuple[Counts, ...] = ((2, 2, 2, 2), (3, 4, 6, 3))
_BOTTLENECK: tuple[Counts, ...] = ((3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3))
_NEAR = 2  # blocks that may be missing or too many; the nearest two depths differ by 8


def nearest_counts(found: Set[Block], blocks_of: Callable[[Counts], Set[Block]], *, bottleneck: bool) -> Counts | None:
    """Return the blocks of each stage of the network that is nearest, or None if there is none near.

    Args:
        found: The blocks of a state dict.
        blocks_of: The blocks of a whole network with so many in each stage.
        bottleneck: Whether they are bottlenecks.
    """

    def distance(counts: Counts) -> int:
        return len(found ^ blocks_of(counts))

    nearest = min(_BOTTLENECK if bottleneck else _BASIC, key=distance)
    return nearest if distance(nearest) <= _NEAR else None


def _staged_blocks(counts: Counts) -> Set[tuple[int, int]]:
    return {(stage, index) for stage, count in enumerate(counts, start=1) for index in range(count)}


def find_depth(state_dict: StateDict, *, source: str) -> tuple[Counts, bool]:
    """Read the depth off keys as ``layer2.0.conv1.weight``.

    Args:
        state_dict: Official tensors.
        source: Name of the source, for the error.

    Returns:
        The blocks of each stage of the nearest network, and whether they are bottlenecks.

    Raises:
        ValueError: If the blocks are not nearly those of a residual network.
    """
    blocks, with_third = set(), set()
    for name in state_dict:
        if match := re.search(r'(?:^|\.)layer(\d+)\.(?:net\.)?(\d+)\.', name):
            block = int(match[1]), int(match[2])
            blocks.add(block)
            if '.conv3.' in name:
                with_third.add(block)
    bottleneck = 2 * len(with_third) > len(blocks)
    counts = nearest_counts(blocks, _staged_blocks, bottleneck=bottleneck)
    if counts is None:
        found = tuple(sum(stage == number for stage, _ in blocks) for number in range(1, 5))
        kind = 'bottlenecks' if bottleneck else 'basic blocks'
        raise ValueError(f'this is not a whole {source} checkpoint: no ResNet has stages of {found} {kind}')
    return counts, bottleneck
