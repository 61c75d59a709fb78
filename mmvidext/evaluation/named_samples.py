"""Name the sample in the messages of the metrics, and refuse to measure nothing."""

from collections.abc import Sequence
from typing import Any

__all__ = ['check_any', 'sample_name']

_NAMES = ('img_path', 'sample_id', 'img1_path', 'filename', 'frame_dir')


def sample_name(sample: dict[str, Any], unknown: str = 'a sample') -> str:
    """Return by which path or number a sample is known, ``unknown`` where it says none."""
    return str(next((sample[key] for key in _NAMES if sample.get(key) is not None), unknown))


def check_any(results: Sequence[Any], metric: object, what: str = 'sample') -> None:
    """Raise if a metric has nothing to compute from.

    Args:
        results: What it has kept.
        metric: The metric, for the message.
        what: What is missing, for the message.

    Raises:
        ValueError: If it has kept nothing.
    """
    if not len(results):
        raise ValueError(
            f'{type(metric).__name__} has seen no {what}: check that the data set of the evaluation is not empty'
        )
