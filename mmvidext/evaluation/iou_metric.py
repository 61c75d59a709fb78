"""Mean IoU whose masks and scores can be trusted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmseg.evaluation
import numpy as np
from mmengine.dist import all_gather_object
from torch import Tensor

from mmvidext.datasets.media.images import write_picture
from mmvidext.evaluation.finite_labels import finite_labels, true_labels
from mmvidext.evaluation.named_samples import check_any
from mmvidext.registry import METRICS

__all__ = ['SCORES', 'IoUMetric']

# what each of mmseg's `iou_metrics` consists of
SCORES = {'mIoU': ('IoU',), 'mDice': ('Dice',), 'mFscore': ('Fscore', 'Precision', 'Recall')}


@METRICS.register_module()
class IoUMetric(mmseg.evaluation.IoUMetric):
    """mmseg's ``IoUMetric`` with four differences.

    - A pixel whose scores are not finite is wrong, whatever its label.
    - ``output_dir`` has a folder for each video. A mask never replaces that of another image; with more than 256 values
      masks have 16 bits.
    - ``mFscore`` and ``mPrecision`` count a class that is in the ground truth and is never found as 0. mmseg leaves it
      out, so that a model that finds nothing has no value, and ``save_best`` keeps it for ever.
    - A sample without ground truth is an error that names the image.

    Args:
        ignore_index: Label of the pixels that do not count.
        iou_metrics: One or more of ``'mIoU'``, ``'mDice'`` and ``'mFscore'``.
        nan_to_num: What the score of a class that is nowhere is replaced by; None leaves it out of the mean.
        beta: Weight of the recall in ``mFscore``.
        output_dir: Folder for the masks; None writes none.
        format_only: Only write the masks.
        collect_device: ``'cpu'`` or ``'gpu'``, where distributed results are joined.
        prefix: Put before the names of the results.

    Raises:
        ValueError: If ``iou_metrics`` has another name, or ``format_only`` has no ``output_dir``.
    """

    def __init__(
        self,
        ignore_index: int = 255,
        iou_metrics: str | Sequence[str] = ('mIoU',),
        nan_to_num: int | None = None,
        beta: int = 1,
        *,
        output_dir: str | None = None,
        format_only: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        names = [iou_metrics] if isinstance(iou_metrics, str) else list(iou_metrics)
        if not names or set(names) - set(SCORES):
            raise ValueError(f'iou_metrics must be of {list(SCORES)}, one or more, but it is {iou_metrics!r}')
        if format_only and output_dir is None:
            raise ValueError('format_only=True only writes masks: name the folder for them as output_dir')
        super().__init__(ignore_index, names, nan_to_num, beta, collect_device, output_dir, format_only, prefix)
        self._written: dict[Path, tuple[str, int | None]] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Add the areas of a batch, one result for each sample, and write the masks.

        Args:
            data_batch: Unused, part of mmengine's contract.
            data_samples: For each image ``img_path``, ``pred_sem_seg`` and, unless ``format_only``, ``gt_sem_seg``
                ``(1, H, W)``.

        Raises:
            ValueError: If a sample has no ground truth, its prediction another size than that, or its mask would
                replace that of another image.
        """
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            labels = finite_labels(sample, fill=num_classes)
            if not self.format_only:
                truth = true_labels(sample).to(labels)
                self.results.append(self.intersect_and_union(labels, truth, num_classes, self.ignore_index))
            if self.output_dir is not None:
                self._write(labels, sample, num_classes)

    def evaluate(self, size: int) -> dict[str, float]:
        """Return the scores of the results of all processes, see ``mmengine.evaluator.BaseMetric``.

        Raises:
            ValueError: If there is no sample, or two processes have written the mask of another image each to one file.
        """
        gathered = all_gather_object(self._written)
        self._written = {}
        for written in gathered:
            for path, source in written.items():
                self._claim(path, source)
        return super().evaluate(size)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return the scores, see ``mmseg.IoUMetric``.

        Raises:
            ValueError: If there is no sample.
        """
        if not self.format_only:
            check_any(results, self)
        return super().compute_metrics(results)

    def mask_folder(self, sample: dict[str, Any]) -> Path:
        """Return the folder, relative to ``output_dir``, for the mask of a sample: its video, or its own folder."""
        return Path(sample.get('video') or Path(sample['img_path']).parent.name)

    def _write(self, labels: Tensor, sample: dict[str, Any], num_classes: int) -> None:
        image, root = sample['img_path'], Path(self.output_dir).resolve()
        path = (root / self.mask_folder(sample) / f'{Path(image).stem}.png').resolve()
        if not path.is_relative_to(root):
            raise ValueError(f'the mask of {image} would be written to {path}, outside output_dir={self.output_dir}')
        self._claim(path, (image, sample.get('propagation_distance')))
        # the datasets that leave class 0 out (reduce_zero_label) count from 1 in their files
        shift = int(bool(sample.get('reduce_zero_label', False)))
        dtype = np.uint8 if num_classes + shift < 256 else np.uint16  # a pixel that is not finite is num_classes
        write_picture(path, (labels.cpu().numpy() + shift).astype(dtype))

    def _claim(self, path: Path, source: tuple[str, int | None]) -> None:
        """Note the image and the distance that a mask is of; raise if the file is that of another one."""
        (image, distance), first = source, self._written.setdefault(path, source)
        if first[0] != image:
            raise ValueError(
                f'the masks of {first[0]} and of {image} would both be written to {path}: evaluate them apart, with '
                'one output_dir each'
            )
        if first[1] != distance:
            raise ValueError(
                f'the masks of {image} at the distances {first[1]} and {distance} would both be written to {path}: '
                'use VideoIoUMetric, which has a folder for each distance, or key_frame_interval in the data set'
            )

    @staticmethod
    def total_area_to_metrics(
        total_area_intersect: Tensor,
        total_area_union: Tensor,
        total_area_pred_label: Tensor,
        total_area_label: Tensor,
        metrics: Sequence[str] = ('mIoU',),
        nan_to_num: int | None = None,
        beta: int = 1,
    ) -> dict[str, np.ndarray]:
        """Turn areas ``(K,)`` into scores by class, see ``mmseg.IoUMetric``; nan where a class is nowhere."""
        scores = mmseg.evaluation.IoUMetric.total_area_to_metrics(
            total_area_intersect,
            total_area_union,
            total_area_pred_label,
            total_area_label,
            list(metrics),
            nan_to_num,
            beta,
        )
        if 'Fscore' in scores:
            weight = beta**2
            fscore = (1 + weight) * total_area_intersect / (weight * total_area_label + total_area_pred_label)
            scores['Fscore'] = np.nan_to_num(fscore.numpy(), nan=np.nan if nan_to_num is None else nan_to_num)
            never_found = (total_area_pred_label == 0) & (total_area_label > 0)
            scores['Precision'] = np.where(never_found.numpy(), 0.0, scores['Precision'])
        return scores
