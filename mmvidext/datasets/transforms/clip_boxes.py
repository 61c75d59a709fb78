"""Load the boxes of a clip's last frame, and pack both for mmdet."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.datasets.transforms import PackDetInputs
from mmengine.logging import print_log

from mmvidext.datasets.imagenet_vid_classes import VID_CLASSES
from mmvidext.datasets.transforms.clip_transforms import pop_frames, stack_frames
from mmvidext.datasets.transforms.tracked_boxes import TrackedBoxes
from mmvidext.datasets.vid_annotation import VIDObject, read_vid_annotation
from mmvidext.ops.checks import check_between
from mmvidext.registry import TRANSFORMS

__all__ = ['LoadClipBoxes', 'PackClipDetInputs']


@TRANSFORMS.register_module()
class LoadClipBoxes(BaseTransform):
    """Read the objects of the last frame from its XML file.

    Boxes are ``(x1, y1, x2, y2)`` in pixels from 0, the last pixel included, as the file has them. Objects of other
    classes than those of the data set are skipped. Two kinds are skipped with a line in the log that names the file: an
    object of VID of none of its 30 classes, and a box that lies outside of the picture.

    Put it behind the resizing of a test pipeline, as mmdet's ``LoadAnnotations``: predictions are compared at the size
    of the file. A sample without ``ann_path`` (an image for inference) stays as it is.

    Args:
        clip: Cut boxes at the border of the picture, as the official code does in training. Its evaluation does not.
        min_size: Skip boxes that are narrower or lower, ``x2 - x1`` and ``y2 - y1``, in pixels: a box without area has
            no regression target.
        keep_empty: Whether a frame without objects is a sample. With False the data set draws another one.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If ``min_size`` is negative, or the file is damaged, see
            :func:`~mmvidext.datasets.vid_annotation.read_vid_annotation`, or says another size than the frame has.
    """

    def __init__(self, *, clip: bool = True, min_size: float = 0.0, keep_empty: bool = True) -> None:
        check_between(min_size, 0, 1e6, name='min_size')
        self.clip = clip
        self.min_size = min_size
        self.keep_empty = keep_empty
        self._named: set[str] = set()

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Add ``gt_bboxes``, ``gt_bboxes_labels``, ``gt_ignore_flags`` and ``track_ids``; None for an empty frame."""
        if 'ann_path' not in results:
            return results
        annotation = read_vid_annotation(results['ann_path'])
        size = results.get('ori_shape')
        if size is not None and tuple(size) != annotation.size:
            raise ValueError(
                f'{results["ann_path"]} is of a frame of {annotation.size} (height, width), but '
                f'{results["img_path"]} is {tuple(size)}'
            )
        labels = {VID_CLASSES[name]: label for label, name in enumerate(results['class_names'])}
        objects = [
            (labels[item.wordnet_id], box, item.track_id)
            for item in annotation.objects
            if self._is_known(item, results) and item.wordnet_id in labels
            if (box := self._box_inside(item, annotation.size, results)) is not None
        ]
        if not objects and not self.keep_empty:
            return None
        boxes = np.array([box for _, box, _ in objects], np.float32).reshape(-1, 4)
        track_ids = tuple(track_id for _, _, track_id in objects)
        results['gt_bboxes'] = TrackedBoxes(boxes, track_ids=track_ids)
        results['gt_bboxes_labels'] = np.array([label for label, _, _ in objects], np.int64)
        results['gt_ignore_flags'] = np.zeros(len(objects), bool)
        results['track_ids'] = track_ids
        return results

    def _is_known(self, item: VIDObject, results: dict[str, Any]) -> bool:
        """Whether the object is of VID; in DET 170 other classes are usual."""
        known = item.wordnet_id in VID_CLASSES.values()
        if not known and results['part'] == 'VID':
            self._name(results, f'an object of class {item.wordnet_id}, which is none of ImageNet VID')
        return known

    def _box_inside(
        self, item: VIDObject, size: tuple[int, int], results: dict[str, Any]
    ) -> tuple[float, float, float, float] | None:
        """Return the box, clipped if asked for; None if it is skipped."""
        left, top, right, bottom = item.box
        height, width = size
        if item.is_outside(size):
            self._name(results, f'the box {item.box}, outside of the picture of {width}x{height}')
            return None
        if self.clip:
            left, top, right, bottom = max(left, 0), max(top, 0), min(right, width - 1), min(bottom, height - 1)
        if min(right - left, bottom - top) < self.min_size:
            return None
        return left, top, right, bottom

    def _name(self, results: dict[str, Any], what: str) -> None:
        path = results['ann_path']
        if path not in self._named:
            self._named.add(path)
            print_log(f'{path}: skipped {what}', logger='current', level=logging.WARNING)


@TRANSFORMS.register_module()
class PackClipDetInputs(PackDetInputs):
    """mmdet's ``PackDetInputs`` for clips: ``inputs`` is ``(T, 3, H, W)``, as loaded (BGR, ``uint8``).

    The sample is that of the last frame. A single image ``img`` is a clip of one frame.

    Args:
        meta_keys: Entries that travel in the sample's meta information; ``track_ids`` has one for each box that the
            transforms left, None where it is not known.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'img_id',
            'img_path',
            'video',
            'video_id',
            'frame_id',
            'num_frames',
            'propagation_distance',
            'track_ids',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'flip',
            'flip_direction',
        ),
    ) -> None:
        super().__init__(meta_keys=tuple(meta_keys))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        results = dict(results)
        clip = stack_frames(pop_frames(results))
        packed: dict[str, Any] = super().transform(results)
        packed['inputs'] = clip
        objects = packed['data_samples'].gt_instances
        if 'bboxes' in objects and 'track_ids' in self.meta_keys:
            track_ids = getattr(objects.bboxes, 'track_ids', (None,) * len(objects))
            packed['data_samples'].set_metainfo({'track_ids': track_ids})
        return packed
