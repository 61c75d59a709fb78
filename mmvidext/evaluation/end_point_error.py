"""The metrics of optical flow: end-point error and KITTI's share of outliers."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmvidext.evaluation.named_samples import check_any, sample_name
from mmvidext.registry import METRICS

__all__ = ['EndPointError']

# KITTI 2015: a vector is an outlier if it is wrong by more than 3 pixels and by more than 5 % of its true length
OUTLIER_PIXELS, OUTLIER_SHARE = 3.0, 0.05


@METRICS.register_module()
class EndPointError(BaseMetric):
    """Mean end-point error, pooled over all valid pixels of the data set, and the share of outliers.

    It reports ``EPE`` in pixels, ``Fl-all`` in per cent (wrong by more than 3 pixels **and** more than 5 % of the true
    length), and ``EPE_zero``, the error of predicting no motion at all: what any estimate has to be compared with. A
    vector that is not finite is infinitely wrong: it is an outlier, and ``EPE`` is infinite.

    Where the samples know which pixels are hidden in the second image (``gt_occluded``), it also reports
    ``EPE_matched`` and ``EPE_unmatched`` (Sintel's names for the others and for these), and ``Fl-noc``, the share of
    outliers among the matched.

    Args:
        collect_device: ``'cpu'`` or ``'gpu'``, where distributed results are joined.
        prefix: Put before the names of the results; default ``'flow'``.
    """

    default_prefix = 'flow'

    def __init__(self, *, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.results: list[Any]

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Add samples.

        Args:
            data_batch: Unused, part of mmengine's contract.
            data_samples: For each pair ``pred_flow`` and ``gt_flow`` ``(2, H, W)`` in pixels, ``gt_valid (H, W)``, and
                ``gt_occluded (H, W)`` where it is known.

        Raises:
            ValueError: If a sample has no true flow or lacks another entry, or a shape does not fit.
        """
        for sample in data_samples:
            if 'gt_flow' not in sample:
                raise ValueError(
                    f'{sample_name(sample)} has no true flow, as the test splits of Sintel and KITTI: '
                    'there is nothing to measure; write the predictions with tools/estimate_flow.py'
                )
            _check_shapes(sample)
            valid = sample['gt_valid'].bool()
            self.results.append(_sums(sample['pred_flow'], sample['gt_flow'], valid, sample.get('gt_occluded')))

    def evaluate(self, size: int) -> dict[str, float]:
        """Copy what was summed from the device, once, and compute the metrics.

        Args:
            size: Samples of the data set.

        Raises:
            ValueError: If there is no sample, or no pixel of the data set has known flow.
        """
        if self.results:
            self.results = torch.stack(self.results).tolist()
        metrics: dict[str, float] = super().evaluate(size)
        return metrics

    def compute_metrics(self, results: list[list[float]]) -> dict[str, float]:
        """Pool over all pixels.

        Raises:
            ValueError: If there is no sample, or no pixel of the data set has known flow.
        """
        check_any(results, self)
        totals = [sum(column) for column in zip(*results, strict=True)]
        pixels, error, outliers, length, matched, matched_error, matched_outliers, hidden, hidden_error = totals
        if not pixels:
            raise ValueError('no pixel of the data set has known flow: check gt_valid')
        metrics = {'EPE': error / pixels, 'Fl-all': 100 * outliers / pixels, 'EPE_zero': length / pixels}
        if matched:
            metrics |= {'EPE_matched': matched_error / matched, 'Fl-noc': 100 * matched_outliers / matched}
        if hidden:
            metrics['EPE_unmatched'] = hidden_error / hidden
        return metrics


def _check_shapes(sample: dict[str, Any]) -> None:
    name, target = sample_name(sample), sample['gt_flow']
    if missing := [key for key in ('pred_flow', 'gt_valid') if key not in sample]:
        raise ValueError(f'{name} has no {missing[0]}, which EndPointError needs beside gt_flow')
    if target.ndim != 3 or target.shape[0] != 2:
        raise ValueError(f'{name}: gt_flow must be (2, H, W), of one pair, but is {tuple(target.shape)}')
    if sample['pred_flow'].shape != target.shape:
        raise ValueError(
            f'{name}: pred_flow is {tuple(sample["pred_flow"].shape)}, but gt_flow is {tuple(target.shape)}: '
            'estimate the flow at the size of the images'
        )
    for key in ('gt_valid', 'gt_occluded'):
        if key in sample and sample[key].shape != target.shape[1:]:
            raise ValueError(
                f'{name}: {key} must be {tuple(target.shape[1:])} as gt_flow, but is {tuple(sample[key].shape)}'
            )


def _sums(predicted: Tensor, target: Tensor, valid: Tensor, occluded: Tensor | None) -> Tensor:
    """Return the nine sums over one pair, on its device and without a wait for it."""
    error = torch.linalg.vector_norm(predicted.double() - target.double(), dim=0).nan_to_num(torch.inf, torch.inf)
    length = torch.linalg.vector_norm(target.double(), dim=0)
    outlier = (error > OUTLIER_PIXELS) & (error > OUTLIER_SHARE * length)
    sums = [valid, torch.where(valid, error, 0), outlier & valid, torch.where(valid, length, 0)]
    if occluded is None:
        sums += [torch.zeros_like(error)] * 5
    else:
        hidden, matched = valid & occluded.bool(), valid & ~occluded.bool()
        sums += [matched, torch.where(matched, error, 0), outlier & matched, hidden, torch.where(hidden, error, 0)]
    return torch.stack([values.double() for values in sums]).sum((1, 2))
