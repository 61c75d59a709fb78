"""Logits to labels at the size of the original frame."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor

__all__ = ['label_map']


def label_map(model: Any, logits: Tensor, meta: dict[str, Any]) -> Tensor:
    """Resize logits, cut off the padding and take the best class: the labels that mmseg's ``predict`` returns.

    It is several times as fast as ``predict`` on a CPU: ``max`` over the classes of a map ``(N, K, H, W)`` runs along
    rows, while ``argmax`` walks across them, and a map that has its size already is not resized again.

    Args:
        model: The ``DeepFeatureFlow`` that made the logits; it says how to resize.
        logits: ``(N, K, h, w)``.
        meta: Meta information of the frame, which was not flipped: ``img_shape``, ``ori_shape`` and padding, the same
            for all N.

    Returns:
        ``(N, H, W)``, int64.
    """
    head = model.decode_head
    logits = head.predict_by_feat(logits, [meta])
    left, right, top, bottom = meta.get('img_padding_size') or meta.get('padding_size') or (0, 0, 0, 0)
    height, width = logits.shape[-2:]
    logits = logits[..., top : height - bottom, left : width - right]
    size = tuple(meta.get('ori_shape', logits.shape[-2:]))
    if tuple(logits.shape[-2:]) != size:
        logits = F.interpolate(logits, size, mode='bilinear', align_corners=model.align_corners)
    if logits.shape[1] == 1:  # a binary segmentor with one output
        return (logits[:, 0].sigmoid() > head.threshold).long()
    return logits.max(dim=1).indices
