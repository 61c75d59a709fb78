"""Groups of boxes, each led by the one that suppresses the others."""

import torch
from torch import Tensor

from mmvidext.ops.bbox_overlaps import bbox_overlaps, check_boxes
from mmvidext.ops.checks import check_no_nan
from mmvidext.ops.nms import check_scores, nan_is_lowest
from mmvidext.ops.precision import accumulation_dtype

__all__ = ['nms_match']


def nms_match(boxes: Tensor, scores: Tensor, *, iou_threshold: float) -> list[Tensor]:
    """Return, for each box that suppression keeps, the box and all those that it suppresses.

    PISA's grouping (Cao et al., CVPR 2020). Unlike in :func:`mmvidext.ops.nms` an overlap of exactly the threshold
    suppresses too, as in mmcv.

    Args:
        boxes: ``(K, 4)``, ``x1, y1, x2, y2``.
        scores: ``(K,)``. Of equal scores the first one wins; NaN is the lowest.
        iou_threshold: A box joins a group where its intersection over union with the first box is at least this.

    Returns:
        A list of ``int64 (k,)``: indices in falling order of score, each box in one group.

    Raises:
        ValueError: If a shape does not fit, or the threshold is NaN.

    Example:
        >>> import torch
        >>> from mmvidext.ops import nms_match
        >>> boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]])
        >>> nms_match(boxes, torch.tensor([0.6, 0.9, 0.3]), iou_threshold=0.5)
        [tensor([1, 0]), tensor([2])]
    """
    check_boxes(boxes, name='boxes')
    check_scores(scores, boxes)
    check_no_nan(iou_threshold, name='iou_threshold')
    boxes = boxes.detach().to(accumulation_dtype(boxes))
    left, groups = nan_is_lowest(scores).sort(descending=True, stable=True).indices, []
    while len(left):
        first, others = left[:1], left[1:]
        joins = bbox_overlaps(boxes[first], boxes[others])[0] >= iou_threshold
        groups.append(torch.cat((first, others[joins])))
        left = others[~joins]
    return groups
