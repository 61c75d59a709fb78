"""Match detections with objects, and the average precision, as the official evaluation of ImageNet VID does."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ['Frame', 'average_precision', 'inclusive_iou', 'least_overlap', 'match_frame']

Floats = NDArray[np.float32]


class Frame(NamedTuple):
    """Objects and detections of one frame; boxes are ``(x1, y1, x2, y2)`` with the last pixel included.

    Attributes:
        video: Name of its video.
        number: Of the frame, from 0.
        img_id: Its place in the list, from 1.
        boxes: Objects, ``(M, 4)``.
        labels: ``(M,)``.
        track_ids: ``(M,)``; -1 where they are not known.
        found: Detections, ``(N, 5)``, the score last, in falling order.
        found_labels: ``(N,)``.
    """

    video: str
    number: int
    img_id: int
    boxes: Floats
    labels: NDArray[np.int16]
    track_ids: NDArray[np.int32]
    found: Floats
    found_labels: NDArray[np.int16]


def least_overlap(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the IoU that a detection of each box ``(M, 4)`` needs: 0.5, and less for small ones.

    ``min(0.5, w h / ((w + 10) (h + 10)))``: a shift by some pixels is forgiven.
    """
    width, height = (boxes[:, 2:] - boxes[:, :2] + 1).astype(np.float64).T
    return np.minimum(0.5, width * height / ((width + 10) * (height + 10)))


def inclusive_iou(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the IoU ``(N, M)`` of boxes ``(N, 4)`` with boxes ``(M, 4)`` whose width is ``x2 - x1 + 1``."""
    first, second = first.astype(np.float64)[:, None], second.astype(np.float64)[None]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2]) + 1
    inside = sides.clip(min=0).prod(-1)
    union = (first[..., 2:] - first[..., :2] + 1).prod(-1) + (second[..., 2:] - second[..., :2] + 1).prod(-1) - inside
    return np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)


def match_frame(frame: Frame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give each detection, in falling order of scores, the free object of its class that it overlaps most.

    Returns:
        The object of each detection ``(N,)``, -1 where there is none; and the IoU ``(N, M)``.
    """
    overlap = inclusive_iou(frame.found[:, :4], frame.boxes)
    matched = np.full(len(frame.found), -1)
    if not overlap.size:
        return matched, overlap
    allowed = (overlap >= least_overlap(frame.boxes)) & (frame.found_labels[:, None] == frame.labels)
    candidates = np.where(allowed, overlap, -1.0)
    for index in np.flatnonzero(allowed.any(1)):
        best = int(candidates[index].argmax())
        if candidates[index, best] >= 0:
            matched[index] = best
            candidates[:, best] = -1.0
    return matched, overlap


def average_precision(
    hits: NDArray[np.floating], misses: NDArray[np.floating], scores: NDArray[np.floating], num_objects: int
) -> float:
    """Return the area under the precision, made monotone, over all points of the recall.

    Args:
        hits: 1 for each detection of an object that counts, ``(N,)``.
        misses: How much each detection counts as a wrong one, ``(N,)``.
        scores: ``(N,)``, in any order.
        num_objects: Objects that count; none is nan.
    """
    if num_objects < 1:
        return float('nan')
    order = np.argsort(-scores, kind='stable')
    hit, miss = np.cumsum(hits[order], dtype=np.float64), np.cumsum(misses[order], dtype=np.float64)
    precision = hit / np.maximum(hit + miss, np.finfo(np.float64).eps)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(hit, prepend=0) * envelope).sum() / num_objects)
