"""Non-maximum suppression."""

import torch
from torch import Tensor

from mmvidext.ops.backends import DetectionBackend, takes_torchvision
from mmvidext.ops.bbox_overlaps import bbox_overlaps, check_boxes, check_offset
from mmvidext.ops.checks import check_no_nan
from mmvidext.ops.precision import accumulation_dtype

__all__ = ['check_scores', 'nan_is_lowest', 'nms']

_BLOCK = 128  # boxes that are decided at once: their overlaps with all others stay in the cache


def check_scores(scores: Tensor, boxes: Tensor) -> None:
    """Raise unless there is one score for each box.

    Raises:
        ValueError: If there is not.
    """
    if scores.shape != boxes.shape[:1]:
        raise ValueError(f'scores must be ({len(boxes)},), one for each box, but the shape is {tuple(scores.shape)}')


def nan_is_lowest(scores: Tensor) -> Tensor:
    """Return scores to sort by: torch takes NaN for the highest, and it would suppress all others."""
    if not scores.is_floating_point():  # whole numbers have no NaN, and lose digits as float32
        return scores
    return torch.where(scores.isnan(), -torch.inf, scores)


def nms(
    boxes: Tensor, scores: Tensor, *, iou_threshold: float, offset: int = 0, backend: DetectionBackend = 'auto'
) -> Tensor:
    """Keep each box that no kept box of a higher score overlaps by more than a threshold.

    Greedy suppression, exact, in blocks: of the boxes in falling order of score the first ones are decided among
    themselves, and then remove what they suppress from all others. The other operands of both steps are matrices.

    Args:
        boxes: ``(K, 4)``, ``x1, y1, x2, y2``.
        scores: ``(K,)``. Of equal scores the first one wins; NaN is the lowest.
        iou_threshold: A box is dropped where its intersection over union is greater.
        offset: 1 where the end pixel is part of a box, so that its width is ``x2 - x1 + 1``.
        backend: ``'torch'``, ``'torchvision'`` or ``'auto'``: torchvision where it loads.

    Returns:
        ``int64 (K',)``: indices of the kept boxes, in falling order of score.

    Raises:
        ValueError: If a shape does not fit, the threshold is NaN, or ``offset`` is neither 0 nor 1.
        ImportError: If torchvision is asked for and does not load.

    Example:
        >>> import torch
        >>> from mmvidext.ops import nms
        >>> boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]])
        >>> nms(boxes, torch.tensor([0.6, 0.9, 0.3]), iou_threshold=0.5)
        tensor([1, 2])
    """
    check_boxes(boxes, name='boxes')
    check_scores(scores, boxes)
    check_no_nan(iou_threshold, name='iou_threshold')
    check_offset(offset)
    with torch.no_grad():
        order = nan_is_lowest(scores).sort(descending=True, stable=True).indices
        boxes = boxes.to(accumulation_dtype(boxes))[order]
        if takes_torchvision(backend):
            end_pixel = boxes.new_tensor([0, 0, offset, offset])
            falling = -torch.arange(len(boxes), dtype=boxes.dtype, device=boxes.device)  # scores of another type
            kept: Tensor = torch.ops.torchvision.nms(boxes + end_pixel, falling, iou_threshold)
        else:
            kept = _keep_first(boxes, iou_threshold, offset)
        return order[kept]


def _keep_first(boxes: Tensor, threshold: float, offset: int) -> Tensor:
    """Return the places of the boxes that earlier ones leave."""
    left, kept = torch.arange(len(boxes), device=boxes.device), []
    while len(left):
        block, left = left[:_BLOCK], left[_BLOCK:]
        first = block[_first_among(bbox_overlaps(boxes[block], boxes[block], offset=offset) > threshold)]
        kept.append(first)
        if len(left):
            suppressed = (bbox_overlaps(boxes[first], boxes[left], offset=offset) > threshold).any(0)
            left = left[~suppressed]
    return torch.cat(kept) if kept else left


def _first_among(overlaps: Tensor) -> Tensor:
    """Return which of some boxes survive, given the ``(B, B)`` matrix of who overlaps whom.

    A box survives if no earlier survivor overlaps it. Starting from all, every application of that rule decides at
    least one more box for good, the earliest undecided one, so that the only state that it leaves alone is the answer.
    """
    suppresses = overlaps.triu(diagonal=1).float()  # [i, j]: i comes first
    alive = suppresses.new_ones(len(overlaps))
    while True:
        after = (alive @ suppresses == 0).float()
        if torch.equal(after, alive):
            return alive.bool()
        alive = after
