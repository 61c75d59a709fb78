"""VSPW's video consistency: do predictions stay where the ground truth stays?"""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmvidext.evaluation.finite_labels import finite_labels, true_labels
from mmvidext.evaluation.video_order import VideoOrder
from mmvidext.ops.checks import check_numbers
from mmvidext.registry import METRICS

__all__ = ['VideoConsistency']


@METRICS.register_module()
class VideoConsistency(BaseMetric):
    """VC_n of VSPW (Miao et al., CVPR 2021), as its evaluation script computes it.

    For each window of n frames: among the pixels whose ground truth is the same in all n frames, the fraction whose
    prediction is the same in all n frames too. Whether that prediction is right is not asked. A video of L frames has
    the windows that start at ``0 .. L - n - 1``; videos of n frames or fewer have none. ``VCn`` is the mean over all
    windows of all videos, in percent. A pixel whose scores are not finite agrees with no frame.

    Args:
        window_sizes: Each n; VSPW reports 8 and 16.
        **kwargs: The arguments of mmengine's ``BaseMetric``.

    Raises:
        ValueError: If a window is shorter than 2, frames do not arrive one after the other, or one has no ground truth.
    """

    default_prefix = None

    def __init__(self, window_sizes: Sequence[int] = (8, 16), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_numbers(window_sizes, 2, 1e6, name='window_sizes', form='one or more', whole=True)
        self.window_sizes = tuple(window_sizes)
        self._order = VideoOrder()
        self._truth = _ConstantRun()
        self._prediction = _ConstantRun()

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[dict[str, Any]]) -> None:
        """Take the next frames; each closes the windows that end with the frame before it."""
        for sample in data_samples:
            if self._order.starts_video(sample):
                self._truth, self._prediction = _ConstantRun(), _ConstantRun()
            # one result for each frame: mmengine keeps no more than there are samples
            self.results.append(self._closed_windows())
            # a label of its own in each frame: negative numbers are not classes
            prediction = finite_labels(sample, fill=-1 - sample['frame_index'])
            self._truth.add(true_labels(sample).to(prediction.device))
            self._prediction.add(prediction)

    def _closed_windows(self) -> list[tuple[int, float]]:
        """Return size and consistency of the windows that end with the frame before."""
        windows = []
        for size in self.window_sizes:
            if self._truth.num_frames < size:
                continue
            stays = self._truth.length >= size
            if stays.any():
                agrees = self._prediction.length[stays] >= size
                windows.append((size, agrees.float().mean().item()))
        return windows

    def compute_metrics(self, results: list[list[tuple[int, float]]]) -> dict[str, float]:
        """Return ``VC8`` and the like; nan where no video is long enough."""
        metrics = {}
        for size in self.window_sizes:
            fractions = [fraction for windows in results for window, fraction in windows if window == size]
            metrics[f'VC{size}'] = 100 * sum(fractions) / len(fractions) if fractions else float('nan')
        return metrics


class _ConstantRun:
    """For how many frames each pixel has kept its value."""

    def __init__(self) -> None:
        self.num_frames = 0
        self.last = torch.empty(0)
        self.length = torch.empty(0)

    def add(self, labels: Tensor) -> None:
        if self.num_frames == 0:
            self.length = torch.ones_like(labels, dtype=torch.int32)
        else:
            self.length = torch.where(labels == self.last, self.length + 1, 1)
        self.last = labels
        self.num_frames += 1
