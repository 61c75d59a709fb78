"""The mean over what a stream of frames goes through between two key frames."""

import numpy as np

__all__ = ['mean_over_cycle']


def mean_over_cycle(scores: dict[int, float], key_frame_interval: int) -> float:
    """Return the mean score over distances ``0 .. key_frame_interval - 1``.

    Args:
        scores: Distance to score. Distances between those given are interpolated linearly.
        key_frame_interval: Length of the cycle.
    """
    known = sorted(scores)
    cycle = np.interp(range(key_frame_interval), known, [scores[distance] for distance in known])
    return float(cycle.mean())
