"""A segmentation whose scores are not finite has no label there."""

from typing import Any

import torch
from torch import Tensor

__all__ = ['finite_labels']


def finite_labels(sample: dict[str, Any], *, fill: int) -> Tensor:
    """Return the predicted label of each pixel, ``fill`` where one of its scores is not finite.

    The largest of scores with a NaN is the NaN, and of scores that are all NaN the first one. Without this, a network
    that predicts NaN scores like one that always predicts the first class, and is perfectly consistent over time.

    Args:
        sample: Holds ``pred_sem_seg`` ``(1, H, W)`` or ``(H, W)``, and ``seg_logits`` ``(K, H, W)`` where the model
            gives them.
        fill: A number that is no class.

    Returns:
        ``(H, W)``.
    """
    labels = sample['pred_sem_seg']['data']
    labels = labels.reshape(labels.shape[-2:])
    if 'seg_logits' not in sample:
        return labels
    finite = torch.isfinite(sample['seg_logits']['data']).all(0)
    return torch.where(finite.to(labels.device), labels, fill)
