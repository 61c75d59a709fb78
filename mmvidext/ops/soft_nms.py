"""Soft non-maximum suppression: overlapping boxes lose score instead of being dropped."""

import torch
from torch import Tensor

from mmvidext.ops.bbox_overlaps import bbox_overlaps, check_boxes
from mmvidext.ops.checks import check_between, check_no_nan
from mmvidext.ops.nms import check_scores, nan_is_lowest
from mmvidext.ops.precision import accumulation_dtype

__all__ = ['soft_nms']

METHODS = ('naive', 'linear', 'gaussian')


def soft_nms(
    boxes: Tensor,
    scores: Tensor,
    *,
    iou_threshold: float = 0.3,
    sigma: float = 0.5,
    min_score: float = 1e-3,
    method: str = 'linear',
    offset: int = 0,
) -> tuple[Tensor, Tensor]:
    """Take the box of the highest score, lower the scores of those that it overlaps, and so on (Bodla et al., 2017).

    One box depends on the one before, so this runs on the CPU; boxes on a GPU are copied there and back.

    Args:
        boxes: ``(K, 4)``, ``x1, y1, x2, y2``.
        scores: ``(K,)``. Of equal scores the first one is taken; NaN is the lowest.
        iou_threshold: ``'naive'`` and ``'linear'`` lower the score of a box from this intersection over union on.
            Boxes without an area overlap nothing.
        sigma: Width of the Gaussian, 1e-6 to 1e6.
        min_score: A box whose score falls below this is dropped, but for the first one.
        method: The factor: ``'naive'`` 0, ``'linear'`` ``1 - iou``, ``'gaussian'`` ``exp(-iou^2 / sigma)``.
        offset: 1 where the end pixel is part of a box, so that its width is ``x2 - x1 + 1``.

    Returns:
        The boxes that are left with their new scores, ``(K', 5)``, in the order in which they were taken and in the
        dtype of ``boxes``, of whole numbers in float32, and their indices, ``int64 (K',)``.

    Raises:
        ValueError: If a shape does not fit, ``method`` is unknown, or a number is NaN or out of its range.

    Example:
        >>> import torch
        >>> from mmvidext.ops import soft_nms
        >>> boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [20, 20, 30, 30]])
        >>> soft_nms(boxes, torch.tensor([0.9, 0.8, 0.3]))[0][:, 4]
        tensor([0.9000, 0.4000, 0.3000])
    """
    check_boxes(boxes, name='boxes')
    check_scores(scores, boxes)
    check_between(sigma, 1e-6, 1e6, name='sigma')
    check_no_nan(iou_threshold, name='iou_threshold')
    check_no_nan(min_score, name='min_score')
    if method not in METHODS:
        raise ValueError(f'method must be one of {METHODS}, not {method!r}')
    dtype = accumulation_dtype(boxes)
    score_dtype = torch.promote_types(dtype, scores.dtype if scores.is_floating_point() else torch.float64)
    left, left_scores = boxes.detach().to('cpu', dtype), scores.detach().to('cpu', score_dtype)
    places, taken, taken_scores = torch.arange(len(left)), [], []
    while len(places):
        best = int(nan_is_lowest(left_scores).argmax())
        taken.append(places[best])
        taken_scores.append(left_scores[best])
        iou = bbox_overlaps(left[best : best + 1], left, offset=offset)[0].nan_to_num(nan=0.0)
        left_scores = left_scores * _factor(iou, method, iou_threshold, sigma)
        stays = left_scores >= min_score
        stays[best] = False
        left, left_scores, places = left[stays], left_scores[stays], places[stays]
    result = boxes.detach() if boxes.is_floating_point() else boxes.to(dtype)
    if not taken:
        return result.new_zeros(0, 5), torch.zeros(0, dtype=torch.int64, device=boxes.device)
    indices = torch.stack(taken).to(boxes.device)
    new_scores = torch.stack(taken_scores).to(result)
    return torch.cat((result[indices], new_scores.unsqueeze(1)), dim=1), indices


def _factor(iou: Tensor, method: str, iou_threshold: float, sigma: float) -> Tensor:
    if method == 'gaussian':
        return (-iou.square() / sigma).exp()
    lowered = 1 - iou if method == 'linear' else torch.zeros_like(iou)
    return torch.where(iou >= iou_threshold, lowered, 1.0)
