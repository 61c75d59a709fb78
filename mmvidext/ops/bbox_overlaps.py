"""Intersection over union of boxes."""

import torch
from torch import Tensor

__all__ = ['bbox_overlaps', 'check_boxes']


def check_boxes(boxes: Tensor, *, name: str, columns: int = 4) -> None:
    """Raise unless ``boxes`` are ``(K, columns)``.

    Raises:
        ValueError: If the shape differs.
    """
    if boxes.ndim != 2 or boxes.shape[1] != columns:
        layout = {4: '(K, 4), x1, y1, x2, y2', 5: '(K, 5), index of the image and x1, y1, x2, y2'}[columns]
        raise ValueError(f'{name} must be {layout}, but the shape is {tuple(boxes.shape)}')


def bbox_overlaps(
    boxes1: Tensor, boxes2: Tensor, *, mode: str = 'iou', aligned: bool = False, offset: int = 0
) -> Tensor:
    """Return the overlap of boxes with boxes.

    Args:
        boxes1: ``(M, 4)``, ``x1, y1, x2, y2``.
        boxes2: ``(N, 4)``; with ``aligned`` as many as ``boxes1``.
        mode: ``'iou'``, intersection over union, or ``'iof'``, intersection over the area of ``boxes1``.
        aligned: Compare box by box instead of all with all.
        offset: 1 where the end pixel is part of a box, so that its width is ``x2 - x1 + 1``.

    Returns:
        ``(M, N)``, or ``(M,)`` with ``aligned``, in the dtype of the boxes. Two boxes without an area have NaN, 0 / 0.

    Raises:
        ValueError: If a shape does not fit, or ``mode`` or ``offset`` is unknown.

    Example:
        >>> import torch
        >>> from mmvidext.ops import bbox_overlaps
        >>> bbox_overlaps(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 2], [5, 5, 6, 6]]))
        tensor([[0.3333, 0.0000]])
    """
    check_boxes(boxes1, name='boxes1')
    check_boxes(boxes2, name='boxes2')
    if mode not in ('iou', 'iof'):
        raise ValueError(f"mode must be 'iou' or 'iof', not {mode!r}")
    if offset not in (0, 1):
        raise ValueError(f'offset must be 0 or 1, but is {offset}')
    if aligned and len(boxes1) != len(boxes2):
        raise ValueError(f'aligned boxes must be as many, but boxes1 are {len(boxes1)} and boxes2 {len(boxes2)}')
    one, two = (boxes1, boxes2) if aligned else (boxes1.unsqueeze(1), boxes2.unsqueeze(0))
    low, high = torch.maximum(one[..., :2], two[..., :2]), torch.minimum(one[..., 2:], two[..., 2:])
    width, height = (high - low + offset).clamp(min=0).unbind(-1)
    intersection = width * height
    area = _area(one, offset)
    return intersection / (area if mode == 'iof' else area + _area(two, offset) - intersection)


def _area(boxes: Tensor, offset: int) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(-1)
    return (x2 - x1 + offset) * (y2 - y1 + offset)
