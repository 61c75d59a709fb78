"""The labels of a sample: the predicted ones, where the scores are finite, and the true ones."""

from typing import Any

import torch
from torch import Tensor

__all__ = ['finite_labels', 'predicted_labels', 'true_labels']


def finite_labels(sample: dict[str, Any], *, fill: int) -> Tensor:
    """Return the predicted label of each pixel, ``fill`` where one of its scores is not finite.

    The largest of scores with a NaN is the NaN, and of scores that are all NaN the first one. Without this, a network
    that predicts NaN scores like one that always predicts the first class, and is perfectly consistent over time.

    Args:
        sample: Holds ``pred_sem_seg`` ``(1, H, W)`` or ``(H, W)``, and ``seg_logits`` ``(K, H, W)`` where the model
            gives them.
        fill: A number that is not a class.

    Returns:
        ``(H, W)``.
    """
    labels = predicted_labels(sample)
    if 'seg_logits' not in sample:
        return labels
    finite = torch.isfinite(sample['seg_logits']['data']).all(0)
    return torch.where(finite.to(labels.device), labels, fill)


def predicted_labels(sample: dict[str, Any]) -> Tensor:
    """Return the predicted label of each pixel ``(H, W)``, whatever its scores."""
    labels = sample['pred_sem_seg']['data']
    return labels.reshape(labels.shape[-2:])


def true_labels(sample: dict[str, Any]) -> Tensor:
    """Return the ground truth ``(H, W)`` of a sample with ``gt_sem_seg``.

    Raises:
        ValueError: If it has none, or the prediction has another size.
    """
    if 'gt_sem_seg' not in sample:
        raise ValueError(
            f'{sample.get("img_path")} has no ground truth: for a split without labels, leave only a metric that '
            "writes predictions, dict(type='mmvidext.IoUMetric', format_only=True, output_dir=...)"
        )
    labels, size = sample['gt_sem_seg']['data'], tuple(sample['pred_sem_seg']['data'].shape[-2:])
    if labels.shape[-2:] != size:
        raise ValueError(
            f'{sample.get("img_path")}: the prediction is {size} (height, width), but gt_sem_seg is '
            f'{tuple(labels.shape[-2:])}: load the annotations behind the resizing of the test pipeline'
        )
    return labels.reshape(labels.shape[-2:])
