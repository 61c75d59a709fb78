"""Intersection over union of boxes."""

import torch
from torch import Tensor

from mmvidext.ops._known_values import is_known
from mmvidext.ops.precision import accumulation_dtype

__all__ = ['bbox_overlaps', 'check_boxes', 'check_offset', 'usable_rois']

_FAR = 1e30  # pixels; the size of a box with corners beyond may overflow


def check_boxes(boxes: Tensor, *, name: str, columns: int = 4) -> None:
    """Raise unless ``boxes`` are ``(K, columns)``.

    Raises:
        ValueError: If the shape differs.
    """
    if boxes.ndim != 2 or boxes.shape[1] != columns:
        layout = {4: '(K, 4), x1, y1, x2, y2', 5: '(K, 5), index of the image and x1, y1, x2, y2'}[columns]
        raise ValueError(f'{name} must be {layout}, but the shape is {tuple(boxes.shape)}')


def check_offset(offset: int) -> None:
    """Raise unless ``offset`` is 0 or 1, whether the end pixel is part of a box.

    Raises:
        ValueError: If it is neither.
    """
    if offset not in (0, 1):
        raise ValueError(f'offset must be 0 or 1, but is {offset}')


def usable_rois(rois: Tensor, num_images: int) -> tuple[Tensor, Tensor]:
    """Return boxes that an op can pool from.

    Args:
        rois: ``(K, 5)``: index of the image and ``x1, y1, x2, y2``.
        num_images: N, images that there are.

    Returns:
        The boxes, zero where one is not finite, and which of them count, ``(K, 1)``.

    Raises:
        ValueError: If a box names an image that there is not. To look on a GPU would be to wait: there such a box, and
            one in a compiled model, does not count.
    """
    image = rois[:, :1]
    exists = image == image.clamp(0, num_images - 1)

    def wrong() -> Tensor:
        return image[~exists & image.isfinite()]

    if is_known(lambda: len(wrong()) > 0, rois):
        raise ValueError(f'rois[:, 0] names image {int(wrong()[0])}, but feature has {num_images}, from 0 on')
    counts = rois.isfinite().all(dim=1, keepdim=True) & exists
    return torch.where(counts, rois, 0).clamp(-_FAR, _FAR), counts


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
        ``(M, N)``, or ``(M,)`` with ``aligned``, in the dtype of the boxes, of whole numbers in float32. Computed in
        float32 at least: a box of 256 x 256 has an area beyond float16. Two boxes without an area have NaN, 0 / 0, and
        so have boxes of more than 1e18 pixels a side, whose area is beyond float32.

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
    check_offset(offset)
    if aligned and len(boxes1) != len(boxes2):
        raise ValueError(f'aligned boxes must be as many, but boxes1 are {len(boxes1)} and boxes2 {len(boxes2)}')
    given = torch.promote_types(boxes1.dtype, boxes2.dtype)
    # one contiguous row for each coordinate: several times faster than boxes as they are
    one, two = (boxes.to(accumulation_dtype(boxes)).T.contiguous() for boxes in (boxes1, boxes2))
    if not aligned:
        one, two = one.unsqueeze(2), two.unsqueeze(1)
    width = _overlap(one[0], one[2], two[0], two[2], offset)
    height = _overlap(one[1], one[3], two[1], two[3], offset)
    intersection = width * height
    area = _area(one, offset)
    overlap = intersection / (area if mode == 'iof' else area + _area(two, offset) - intersection)
    return overlap.to(given) if given.is_floating_point else overlap


def _overlap(low1: Tensor, high1: Tensor, low2: Tensor, high2: Tensor, offset: int) -> Tensor:
    return (torch.minimum(high1, high2) - torch.maximum(low1, low2) + offset).clamp(min=0)


def _area(coordinates: Tensor, offset: int) -> Tensor:
    x1, y1, x2, y2 = coordinates
    return (x2 - x1 + offset) * (y2 - y1 + offset)
