"""Depths of residual networks, by their blocks."""

__all__ = ['depth_of', 'stage_counts']

_DEPTHS: dict[tuple[tuple[int, ...], bool], int] = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}


def stage_counts(num_blocks: int, bottleneck: bool) -> tuple[int, ...] | None:
    """Return the blocks of each stage of the network with so many blocks in all, or None if there is none."""
    for counts, kind in _DEPTHS:
        if sum(counts) == num_blocks and kind == bottleneck:
            return counts
    return None


def depth_of(counts: tuple[int, ...], bottleneck: bool, *, source: str) -> int:
    """Return the depth of the network with these blocks.

    Args:
        counts: Blocks of each stage.
        bottleneck: Whether they are bottlenecks.
        source: Name of the source, for the error.

    Raises:
        ValueError: If no residual network has them.
    """
    if (counts, bottleneck) not in _DEPTHS:
        kind = 'bottlenecks' if bottleneck else 'basic blocks'
        raise ValueError(f'this is not a whole {source} checkpoint: no ResNet has stages of {counts} {kind}')
    return _DEPTHS[counts, bottleneck]
