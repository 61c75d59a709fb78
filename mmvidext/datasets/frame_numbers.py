"""What the numbers in the names of a video's frames must be, and what a log says of gaps in them."""

import logging
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log

from mmvidext.datasets.natural_order import numbering_gap, repeated_number

__all__ = ['check_frame_numbers', 'warn_of_gaps']


def check_frame_numbers(stems: Sequence[str], video: str) -> str | None:
    """Check that no two frames of a video have one number.

    Args:
        stems: Names of the frames without suffix, in natural order.
        video: Its name, for the message.

    Returns:
        Between which frames others are missing, in words; None if none are.

    Raises:
        ValueError: If two frames have the same number, such as ``1`` and ``01``.
    """
    if pair := repeated_number(stems):
        raise ValueError(f'video {video}: {pair[0]} and {pair[1]} have the same number; remove one')
    pair = numbering_gap(stems)
    return f'frames are missing between {pair[0]} and {pair[1]}' if pair else None


def warn_of_gaps(gaps: Mapping[str, str | None]) -> None:
    """Log how many videos have gaps, and the first of them.

    Args:
        gaps: What :func:`check_frame_numbers` returned, by video.
    """
    found = [f'video {video}: {gap}' for video, gap in gaps.items() if gap]
    if found:
        text = f'{len(found)} of {len(gaps)} videos have gaps; {found[0]}'
        print_log(text, logger='current', level=logging.WARNING)
