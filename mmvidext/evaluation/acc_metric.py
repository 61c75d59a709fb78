"""Accuracy in which a prediction that is not finite is wrong."""

import logging
from collections.abc import Sequence
from typing import Any

import mmaction.evaluation
import numpy as np
from mmengine.logging import print_log
from torch import Tensor

from mmvidext.evaluation.named_samples import check_any, sample_name
from mmvidext.registry import METRICS

__all__ = ['AccMetric']


@METRICS.register_module()
class AccMetric(mmaction.evaluation.AccMetric):
    """mmaction2's ``AccMetric`` in which a clip whose scores are not finite is wrong.

    A NaN is sorted behind every number, so mmaction2 takes it for the largest score: a network that predicts NaN gets
    the share of the last class, or of any other. Here the right class of such a clip is ranked last.

    Args:
        *args: The arguments of ``mmaction.AccMetric``.
        **kwargs: Likewise.
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Add the scores and labels of a batch, see ``mmaction.AccMetric``.

        Raises:
            ValueError: If a clip has no label, one that the model has no score for, or several that are not one number
                for each class.
        """
        first = len(self.results)
        super().process(data_batch, [_in_float32(sample) for sample in data_samples])
        for result, sample in zip(self.results[first:], data_samples, strict=True):
            if isinstance(result['pred'], dict):  # RGB and pose; mmaction2 pools them itself
                continue
            _check_label(result['label'], len(result['pred']), sample_name(sample, 'a clip'))
            if not np.isfinite(result['pred']).all():
                result['pred'] = _worst_scores(result['label'], len(result['pred']))
                result['is_finite'] = False

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the metrics; log how many clips had scores that are not finite.

        Raises:
            ValueError: If there is no clip.
        """
        check_any(results, self, 'clip')
        num_not_finite = sum(not result.get('is_finite', True) for result in results)
        if num_not_finite:
            print_log(
                f'{num_not_finite} clips have scores that are not finite (NaN or Inf) and count as wrong',
                logger='current',
                level=logging.WARNING,
            )
        return super().compute_metrics(results)


def _in_float32(sample: dict[str, Any]) -> dict[str, Any]:
    """Return a sample whose scores NumPy can hold: it has no bfloat16."""
    scores = sample.get('pred_score')
    return {**sample, 'pred_score': scores.float()} if isinstance(scores, Tensor) else sample


def _check_label(label: int | np.ndarray, num_classes: int, name: str) -> None:
    if not isinstance(label, int):
        if len(label) != num_classes:
            raise ValueError(
                f'{name} has a gt_label of {len(label)} numbers, but the model has {num_classes} classes: it must be '
                'one class, or 0 or 1 for each of them'
            )
    elif not 0 <= label < num_classes:
        raise ValueError(
            f'{name} has the label {label}, but the model has {num_classes} classes (labels 0 to {num_classes - 1}); '
            '-1 is the label of a clip without one. Correct the list, or num_classes of the head and of the data set'
        )


def _worst_scores(label: int | np.ndarray, num_classes: int) -> np.ndarray:
    """Return scores ``(classes,)`` that rank every right class last."""
    return -np.eye(num_classes)[label] if isinstance(label, int) else -label.astype(float)
