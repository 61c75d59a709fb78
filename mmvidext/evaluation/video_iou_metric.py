"""Mean IoU by propagation distance."""

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.logging import MMLogger
from mmseg.evaluation import IoUMetric

from mmvidext.registry import METRICS

__all__ = ['VideoIoUMetric', 'mean_over_cycle']


@METRICS.register_module()
class VideoIoUMetric(IoUMetric):
    """mIoU at each distance from the key frame, and its mean over the key-frame cycle.

    Each sample says its distance in its meta information (``propagation_distance``); the video data sets write it. The
    areas are those of mmseg's ``IoUMetric``, pooled over all samples of a distance. Reported are ``mIoU@d`` for each
    distance, and ``mIoU``, the mean over the distances 0 .. ``key_frame_interval`` - 1, which is what a stream of
    frames gets. Distances of the cycle that are not evaluated are interpolated linearly between those that are.

    Args:
        distances: The distances of the data set.
        key_frame_interval: Length of the cycle; by default it ends with the greatest distance.
        **kwargs: The arguments of ``mmseg.IoUMetric``.

    Raises:
        ValueError: If a distance is negative, the cycle reaches beyond the distances, a sample has no distance or one
            that is not listed, or a listed one got no sample.
    """

    def __init__(
        self, distances: Sequence[int] = (0, 1, 5, 9), *, key_frame_interval: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not distances or min(distances) < 0:
            raise ValueError(f'distances must be one or more numbers >= 0, but got {distances}')
        self.distances = tuple(sorted(set(distances)))
        self.key_frame_interval = key_frame_interval or self.distances[-1] + 1
        cycle_end = self.key_frame_interval - 1
        if self.distances[0] != 0 or self.distances[-1] < cycle_end:
            raise ValueError(
                f'a key-frame cycle of {self.key_frame_interval} frames has the distances 0 to {cycle_end}, but only '
                f'{self.distances} are evaluated: add 0 and {cycle_end} to distances, in the data set too'
            )

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[dict[str, Any]]) -> None:
        """Collect the areas of a batch, one result for each sample."""
        for sample in data_samples:
            distance = sample.get('propagation_distance')
            if distance not in self.distances:
                raise ValueError(
                    f'sample {sample.get("img_path")} has the propagation distance {distance}, but the metric is set '
                    f'to distances={self.distances}: name the same distances in data set and metric'
                )
            super().process(data_batch, [sample])
            if not self.format_only:
                self.results[-1] = (distance, self.results[-1])

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return mIoU by distance and over the cycle, in percent."""
        if self.format_only:
            return super().compute_metrics(results)
        areas = defaultdict(list)
        for distance, sample_areas in results:
            areas[distance].append(sample_areas)
        missing = [distance for distance in self.distances if distance not in areas]
        if missing:
            raise ValueError(f'no sample at the distances {missing}: name the same distances in data set and metric')
        scores = {distance: self._mean_iou(areas[distance]) for distance in self.distances}
        metrics = OrderedDict((f'mIoU@{distance}', round(score, 2)) for distance, score in scores.items())
        metrics['mIoU'] = round(mean_over_cycle(scores, self.key_frame_interval), 2)
        MMLogger.get_current_instance().info(
            f'mIoU over a cycle of {self.key_frame_interval} frames: {metrics["mIoU"]}'
        )
        return metrics

    def _mean_iou(self, areas: list[tuple]) -> float:
        totals = [sum(column) for column in zip(*areas, strict=True)]
        metrics = self.total_area_to_metrics(*totals, ['mIoU'], self.nan_to_num, self.beta)
        return float(np.nanmean(metrics['IoU']) * 100)


def mean_over_cycle(scores: dict[int, float], key_frame_interval: int) -> float:
    """Return the mean score over distances ``0 .. key_frame_interval - 1``.

    Args:
        scores: Distance to score. Distances between those given are interpolated linearly.
        key_frame_interval: Length of the cycle.
    """
    known = sorted(scores)
    cycle = np.interp(range(key_frame_interval), known, [scores[distance] for distance in known])
    return float(cycle.mean())
