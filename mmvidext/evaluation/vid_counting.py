"""Which detections are right and which are wrong, for all objects and for those of each speed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmvidext.evaluation.object_motion import MOTION_RANGES
from mmvidext.evaluation.vid_matching import Frame, average_precision, match_frame

__all__ = ['class_scores']


class _Counts(NamedTuple):
    """Of one frame and one range of motion: how much each detection counts, ``(N,)``."""

    hits: NDArray[np.bool_]
    misses: NDArray[np.float32]


def class_scores(
    frames: Sequence[Frame], num_classes: int, *, motion: Sequence[NDArray[np.float64]] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the AP of each class ``(K,)``, nan for a class without objects.

    By motion, the objects outside of the range can be found, but do not count. What finds nothing counts as wrong if it
    overlaps an object inside the range more than any outside, as right if it is the other way round, and else by the
    share of the objects outside: in the frame, or, in a frame without objects, by the share of those inside in all
    frames.

    Args:
        frames: With their detections.
        num_classes: K.
        motion: Motion IoU of each object of each frame, see ``track_motion``.

    Returns:
        ``all``, and with motion ``slow``, ``medium`` and ``fast``.
    """
    ranges = {'all': (0.0, 1.0), **(MOTION_RANGES if motion is not None else {})}
    values = [np.ones(len(frame.boxes)) for frame in frames] if motion is None else motion
    pooled = np.concatenate([*values, np.zeros(0)])
    shares = {name: float(_inside(pooled, bounds).mean()) if len(pooled) else 1.0 for name, bounds in ranges.items()}
    counts: dict[str, list[_Counts]] = {name: [] for name in ranges}
    objects = {name: np.zeros(num_classes, np.int64) for name in ranges}
    for frame, speeds in zip(frames, values, strict=True):
        matched, overlap = match_frame(frame)
        for name, bounds in ranges.items():
            counted = _inside(speeds, bounds)
            counts[name].append(_count(matched, overlap, counted, shares[name]))
            np.add.at(objects[name], frame.labels[counted], 1)
    labels = np.concatenate([*(frame.found_labels for frame in frames), np.zeros(0, np.int16)])
    scores = np.concatenate([*(frame.found[:, 4] for frame in frames), np.zeros(0, np.float32)])
    return {name: _by_class(labels, scores, counts.pop(name), objects[name]) for name in ranges}


def _inside(motion: NDArray[np.float64], bounds: tuple[float, float]) -> NDArray[np.bool_]:
    return (motion >= bounds[0]) & (motion <= bounds[1])


def _count(
    matched: NDArray[np.int64], overlap: NDArray[np.float64], counted: NDArray[np.bool_], share: float
) -> _Counts:
    if not len(counted):
        return _Counts(np.zeros(len(matched), bool), np.full(len(matched), share, np.float32))
    is_matched = matched >= 0
    hits = is_matched & counted[matched]
    best_counted = overlap[:, counted].max(1, initial=-1.0)
    best_other = overlap[:, ~counted].max(1, initial=-1.0)
    misses = np.where(best_counted > best_other, 1.0, np.where(best_counted < best_other, 0.0, 1 - counted.mean()))
    return _Counts(hits, np.where(is_matched, 0.0, misses).astype(np.float32))


def _by_class(
    labels: NDArray[np.int16], scores: NDArray[np.float32], counts: list[_Counts], objects: NDArray[np.int64]
) -> NDArray[np.float64]:
    hits = np.concatenate([*(count.hits for count in counts), np.zeros(0, bool)])
    misses = np.concatenate([*(count.misses for count in counts), np.zeros(0, np.float32)])
    found = []
    for label, num_objects in enumerate(objects.tolist()):
        own = labels == label
        found.append(average_precision(hits[own], misses[own], scores[own], num_objects))
    return np.array(found)
