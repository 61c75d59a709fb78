"""The metrics of optical flow: end-point error and KITTI's share of outliers."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric

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

    Args:
        collect_device: ``'cpu'`` or ``'gpu'``, where distributed results are joined.
        prefix: Put before the names of the results; default ``'flow'``.
    """

    default_prefix = 'flow'

    def __init__(self, *, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Add samples.

        Args:
            data_batch: Unused, part of mmengine's contract.
            data_samples: For each pair ``pred_flow`` and ``gt_flow`` ``(2, H, W)`` in pixels, and ``gt_valid (H, W)``.

        Raises:
            ValueError: If a prediction has another shape than the true flow.
        """
        for sample in data_samples:
            predicted, target, valid = sample['pred_flow'], sample['gt_flow'], sample['gt_valid'].bool()
            if predicted.shape != target.shape:
                raise ValueError(
                    f'pred_flow is {tuple(predicted.shape)}, but gt_flow is {tuple(target.shape)}: '
                    'estimate the flow at the size of the images'
                )
            known_prediction, known_target = predicted[:, valid].double(), target[:, valid].double()
            error = torch.linalg.vector_norm(known_prediction - known_target, dim=0).nan_to_num(nan=torch.inf)
            length = torch.linalg.vector_norm(known_target, dim=0)
            outliers = (error > OUTLIER_PIXELS) & (error > OUTLIER_SHARE * length)
            sums = torch.stack([error.sum(), length.sum(), outliers.sum()])  # one copy from the device a sample
            self.results.append((*sums.tolist(), error.numel()))

    def compute_metrics(self, results: list[tuple[float, float, float, int]]) -> dict[str, float]:
        """Pool over all pixels.

        Raises:
            ValueError: If no pixel of the data set has known flow.
        """
        error, length, outliers, pixels = (sum(column) for column in zip(*results, strict=True))
        if not pixels:
            raise ValueError('no pixel of the data set has known flow: check gt_valid')
        return {'EPE': error / pixels, 'Fl-all': 100 * outliers / pixels, 'EPE_zero': length / pixels}
