"""Mean IoU by propagation distance."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from prettytable import PrettyTable

from mmvidext.evaluation.iou_metric import SCORES, IoUMetric
from mmvidext.evaluation.key_frame_cycle import mean_over_cycle
from mmvidext.ops.checks import check_at_least, check_numbers
from mmvidext.registry import METRICS

__all__ = ['VideoIoUMetric']


@METRICS.register_module()
class VideoIoUMetric(IoUMetric):
    """mIoU at each distance from the key frame, and its mean over the key-frame cycle.

    Each sample says its distance in its meta information (``propagation_distance``); the video data sets write it. The
    areas are those of :class:`~mmvidext.evaluation.iou_metric.IoUMetric`, pooled over all samples of a distance.
    Reported are ``mIoU@d`` for each distance, and ``mIoU``, the mean over the distances 0 .. ``key_frame_interval``
    - 1, which is what a stream of frames gets; likewise ``mDice`` and ``mFscore`` (with ``mPrecision`` and ``mRecall``)
    where ``iou_metrics`` asks for them. Distances of the cycle that are not evaluated are interpolated linearly between
    those that are. A table of the classes is logged.

    Args:
        distances: The distances of the data set.
        key_frame_interval: Length of the cycle; by default it ends with the greatest distance.
        **kwargs: The arguments of :class:`~mmvidext.evaluation.iou_metric.IoUMetric`. With several distances,
            ``output_dir`` has a folder for each.

    Raises:
        ValueError: If a distance is negative, the cycle reaches beyond the distances, a sample has no distance or one
            that is not listed, or a listed one got no sample.
    """

    def __init__(
        self, distances: Sequence[int] = (0, 1, 5, 9), *, key_frame_interval: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_numbers(distances, 0, 1e6, name='distances', form='one or more', whole=True)
        if key_frame_interval is not None:
            check_at_least(key_frame_interval, 1, name='key_frame_interval')
        self.distances = tuple(sorted(set(distances)))
        self.key_frame_interval = key_frame_interval or self.distances[-1] + 1
        cycle_end = self.key_frame_interval - 1
        if self.distances[0] != 0 or self.distances[-1] < cycle_end:
            raise ValueError(
                f'a key-frame cycle of {self.key_frame_interval} frames has the distances 0 to {cycle_end}, but only '
                f'{self.distances} are evaluated: add 0 and {cycle_end} to distances, in the data set too'
            )

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Add the areas of a batch, one result for each sample."""
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

    def mask_folder(self, sample: dict[str, Any]) -> Path:
        """Return the folder for the mask of a sample: a frame is predicted once at each distance."""
        folder = super().mask_folder(sample)
        return Path(f'distance_{sample["propagation_distance"]}', folder) if len(self.distances) > 1 else folder

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return the scores by distance and over the cycle, in percent."""
        if self.format_only:
            return super().compute_metrics(results)
        areas = defaultdict(list)
        for distance, sample_areas in results:
            areas[distance].append(sample_areas)
        missing = [distance for distance in self.distances if distance not in areas]
        if missing:
            raise ValueError(f'no sample at the distances {missing}: name the same distances in data set and metric')
        by_distance = {distance: self._class_scores(areas[distance]) for distance in self.distances}
        metrics: dict[str, float] = {}
        for name in [name for metric in self.metrics for name in SCORES[metric]]:
            means = {distance: float(np.nanmean(scores[name])) for distance, scores in by_distance.items()}
            metrics.update({f'm{name}@{distance}': round(100 * mean, 2) for distance, mean in means.items()})
            metrics[f'm{name}'] = round(100 * mean_over_cycle(means, self.key_frame_interval), 2)
            table = _format_table(self.dataset_meta['classes'], name, by_distance)
            print_log(f'{name} of each class, in percent\n{table}', logger='current')
        return metrics

    def _class_scores(self, areas: list[tuple]) -> dict[str, np.ndarray]:
        intersect, union, predicted, truth = (sum(column) for column in zip(*areas, strict=True))
        return self.total_area_to_metrics(intersect, union, predicted, truth, self.metrics, self.nan_to_num, self.beta)


def _format_table(classes: Sequence[str], name: str, by_distance: dict[int, dict[str, np.ndarray]]) -> str:
    table = PrettyTable(['class', *[f'@{distance}' for distance in by_distance]])
    table.align['class'] = 'l'
    for index, label in enumerate(classes):
        table.add_row([label, *[f'{100 * scores[name][index]:.2f}' for scores in by_distance.values()]])
    return table.get_string()
