"""The average precision of ImageNet VID."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, collect_results, get_world_size, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from numpy.typing import NDArray
from prettytable import PrettyTable

from mmvidext.datasets.printable import printable
from mmvidext.evaluation.key_frame_cycle import mean_over_cycle
from mmvidext.evaluation.named_samples import check_any
from mmvidext.evaluation.object_motion import read_motion_file, track_motion
from mmvidext.evaluation.vid_counting import class_scores
from mmvidext.evaluation.vid_matching import Frame
from mmvidext.ops.checks import check_at_least, check_numbers
from mmvidext.registry import METRICS

__all__ = ['VIDMetric']

_NOWHERE = -1e6  # of a box that is not finite: it overlaps nothing
_Results = dict[int | None, list[Frame]]


@METRICS.register_module()
class VIDMetric(BaseMetric):
    """Mean AP as the official evaluations of Deep Feature Flow and Flow-Guided Feature Aggregation compute it.

    A detection finds an object of its class from an IoU of 0.5 on, and of small ones from
    ``w h / ((w + 10) (h + 10))`` on. ``mAP`` is the mean over the classes that have objects, in percent; ``mAP_slow``,
    ``mAP_medium`` and ``mAP_fast`` are those of objects by their motion, see :mod:`mmvidext.evaluation.object_motion`.
    A table of the classes is logged. Ground truth and predictions are compared at the size of the file.

    With ``distances``, ``mAP@d`` is that of the samples at each distance from their key frame, and ``mAP`` the mean
    over the key-frame cycle; see ``VideoIoUMetric``.

    A detection whose box or score is not finite is a wrong one, in front of all others. What is kept is 22 bytes for
    each detection: 1.2 GB for the 176,126 frames of ImageNet VID with 300 each.

    Args:
        distances: The distances of the data set, if it has any.
        motion: Report by motion, from track ids unless there is a ``motion_file``.
        motion_file: The authors' ``imagenet_vid_groundtruth_motion_iou.mat``, for the whole validation set.
        max_per_frame: The best detections of a frame that count.
        **kwargs: The arguments of mmengine's ``BaseMetric``.

    Raises:
        FileNotFoundError: If the motion file is missing.
        ValueError: If it is not the authors', or does not know the frames; if an argument is out of range; if a sample
            has no ground truth, no track ids where they are needed, a label that is no class, or none of the distances;
            if samples are missing.
    """

    default_prefix = 'vid'

    def __init__(
        self,
        *,
        distances: Sequence[int] | None = None,
        motion: bool = True,
        motion_file: str | None = None,
        max_per_frame: int = 300,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.results: list[Any]
        if distances is not None:
            check_numbers(distances, 0, 1e6, name='distances', form='one or more', whole=True)
        self.distances = None if distances is None else tuple(sorted(set(distances)))
        if self.distances is not None and self.distances[0] != 0:
            raise ValueError(f'distances must have 0, the key frame itself, but are {distances}')
        check_at_least(max_per_frame, 1, name='max_per_frame')
        self.motion = motion
        self.motion_file = None if motion_file is None else read_motion_file(motion_file)
        self.max_per_frame = max_per_frame

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Add samples.

        Args:
            data_batch: Unused, part of mmengine's contract.
            data_samples: Of each frame ``pred_instances`` with ``bboxes (N, 4)``, ``scores`` and ``labels``,
                ``gt_instances`` with ``bboxes (M, 4)`` and ``labels``, and ``video``, ``frame_id``, ``img_id``.
        """
        for sample in data_samples:
            distance = None
            if self.distances is not None:
                distance = sample.get('propagation_distance')
                if distance not in self.distances:
                    raise ValueError(
                        f'sample {sample.get("img_path")} has the propagation distance {distance}, but the metric is '
                        f'set to distances={self.distances}: name the same distances in data set and metric'
                    )
            self.results.append((distance, self._frame(sample)))

    def _frame(self, sample: dict[str, Any]) -> Frame:
        if 'bboxes' not in (truth := sample.get('gt_instances', {})):
            raise ValueError(f'{sample.get("img_path")} has no ground truth: add LoadClipBoxes to the pipeline')
        found = sample['pred_instances']
        boxes, labels = (_numpy(truth[key]) for key in ('bboxes', 'labels'))
        detections = np.column_stack([_numpy(found['bboxes']), _numpy(found['scores'])]).astype(np.float32)
        is_wrong = ~np.isfinite(detections).all(1)
        detections[is_wrong] = [_NOWHERE, _NOWHERE, _NOWHERE, _NOWHERE, np.inf]
        order = np.argsort(-detections[:, 4], kind='stable')[: self.max_per_frame]
        tracks = [-1 if track is None else track for track in sample.get('track_ids', [None] * len(labels))]
        if len(tracks) != len(labels):
            raise ValueError(
                f'{sample.get("img_path")} has {len(labels)} objects, but {len(tracks)} track_ids: pack with '
                'PackClipDetInputs, which keeps those of the boxes that the transforms leave'
            )
        return Frame(
            video=sample.get('video', ''),
            number=sample.get('frame_id', 0),
            img_id=sample.get('img_id', 0),
            boxes=boxes.astype(np.float32),
            labels=labels.astype(np.int16),
            track_ids=np.array(tracks, np.int32),
            found=detections[order],
            found_labels=_numpy(found['labels']).astype(np.int16)[order],
        )

    def evaluate(self, size: int) -> dict[str, float]:
        """Join what all processes have found, parts of any size, and compute the metrics.

        Args:
            size: Samples of the data set.

        Raises:
            ValueError: If some are missing.
        """
        world_size = get_world_size()
        device = 'cpu' if world_size == 1 else self.collect_device
        keywords = {'tmpdir': self.collect_dir} if device == 'cpu' else {}
        parts = collect_results([self.results], world_size, device, **keywords)  # one item of each process
        metrics: list[Any] = [None]
        if is_main_process():
            results = [result for part in parts for result in part]
            if world_size > 1:  # a sampler may repeat samples to make the parts equal
                by_name = {(distance, frame.video, frame.img_id): (distance, frame) for distance, frame in results}
                results = list(by_name.values())
            if len(results) < size:
                raise ValueError(f'{len(results)} samples were evaluated, but the data set has {size}')
            scores = self.compute_metrics(results)
            metrics = [{f'{self.prefix}/{name}' if self.prefix else name: value for name, value in scores.items()}]
        broadcast_object_list(metrics)
        self.results.clear()
        joined: dict[str, float] = metrics[0]
        return joined

    def compute_metrics(self, results: list[tuple[int | None, Frame]]) -> dict[str, float]:
        """Return mean AP over classes, in percent.

        Raises:
            ValueError: If there is no frame, or none at one of the distances.
        """
        check_any(results, self, 'frame')
        frames: _Results = defaultdict(list)
        for distance, frame in results:
            frames[distance].append(frame)
        if missing := [distance for distance in self.distances or () if distance not in frames]:
            raise ValueError(f'no sample at the distances {missing}: name the same distances in data set and metric')
        tables = {distance: self._scores(frames.pop(distance)) for distance in self.distances or (None,)}
        self._log(tables)
        if self.distances is None:
            return {_name(part): _mean(values) for part, values in tables[None].items()}
        metrics: dict[str, float] = {}
        for part in tables[0]:
            means = {distance: _mean(tables[distance][part]) for distance in self.distances}
            metrics |= {f'{_name(part)}@{distance}': mean for distance, mean in means.items()}
            metrics[_name(part)] = mean_over_cycle(means, self.distances[-1] + 1)
        return metrics

    def _scores(self, frames: list[Frame]) -> dict[str, NDArray[np.float64]]:
        count, motion = len(self.dataset_meta['classes']), None
        for frame in frames:
            _check_labels(frame, count)
        if self.motion:
            motion = track_motion(frames) if self.motion_file is None else self._look_up(frames, self.motion_file)
        return class_scores(frames, count, motion=motion)

    @staticmethod
    def _look_up(frames: list[Frame], known: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        for frame in frames:
            if not 1 <= frame.img_id <= len(known) or len(known[frame.img_id - 1]) != len(frame.boxes):
                raise ValueError(
                    f'the motion file does not know the {len(frame.boxes)} objects of frame {frame.number} of '
                    f'{frame.video}, number {frame.img_id} of the list: it is for the {len(known)} frames of '
                    'VID_val_videos.txt with all their objects'
                )
        return [known[frame.img_id - 1] for frame in frames]

    def _log(self, tables: dict[Any, dict[str, NDArray[np.float64]]]) -> None:
        columns = {
            part if distance is None else f'{part} @{distance}': values
            for distance, table in tables.items()
            for part, values in table.items()
        }
        table = PrettyTable(['class', *columns])
        table.align['class'] = 'l'
        for index, name in enumerate(self.dataset_meta['classes']):
            table.add_row([printable(name), *[f'{100 * values[index]:.2f}' for values in columns.values()]])
        print_log(f'AP of each class, in percent\n{table.get_string()}', logger='current')


def _check_labels(frame: Frame, count: int) -> None:
    for what, labels in (('an object', frame.labels), ('a detection', frame.found_labels)):
        wrong = labels[(labels < 0) | (labels >= count)]
        if len(wrong):
            raise ValueError(
                f'frame {frame.number} of {frame.video} has {what} of class {wrong[0]}, but the data set has {count} '
                f'classes, 0 to {count - 1}: num_classes of the head must be that of the data set'
            )


def _numpy(values: Any) -> NDArray[Any]:
    tensor = getattr(values, 'tensor', values)  # of mmdet's boxes
    return tensor.detach().cpu().float().numpy() if isinstance(tensor, torch.Tensor) else np.asarray(tensor)


def _name(part: str) -> str:
    return 'mAP' if part == 'all' else f'mAP_{part}'


def _mean(scores: NDArray[np.float64]) -> float:
    """Return the mean over the classes with objects, in percent; nan where there are none."""
    known = scores[~np.isnan(scores)]
    return round(100 * float(known.mean()), 2) if len(known) else float('nan')
