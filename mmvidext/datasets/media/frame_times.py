"""What the presentation times of a video's frames tell of its frame rate."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

__all__ = ['average_rate', 'time_error']


def average_rate(times: Sequence[int], time_base: Fraction, stated: Fraction | None) -> Fraction | None:
    """Return frames per second by their times, or the stated rate where these agree but for rounding.

    Matroska and WebM state the rate at which a recorder was set, not that at which it wrote.
    """
    if len(times) < 2:
        return stated
    intervals, seconds = len(times) - 1, (times[-1] - times[0]) * time_base
    if stated and abs(seconds * stated - intervals) <= 0.01 * intervals + 2 * time_base * stated:
        return stated
    return intervals / seconds


def time_error(times: Sequence[int], time_base: Fraction, frame_rate: float) -> float:
    """Return how many seconds a frame is away from its place at a constant rate, at most; 0 if nothing is known."""
    if not times or not frame_rate:
        return 0.0
    places = np.arange(len(times)) / frame_rate
    return float(np.abs((np.array(times, float) - times[0]) * float(time_base) - places).max())
