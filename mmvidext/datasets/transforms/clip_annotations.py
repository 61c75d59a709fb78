"""Load the label map of a clip's last frame."""

from typing import Any

import numpy as np
from mmseg.datasets.transforms import LoadAnnotations

from mmvidext.datasets.media.label_map import read_label_map
from mmvidext.registry import TRANSFORMS

__all__ = ['LoadClipAnnotations']


@TRANSFORMS.register_module()
class LoadClipAnnotations(LoadAnnotations):
    """mmseg's ``LoadAnnotations`` that refuses what is not a map of class numbers for its frame.

    A sample without ``seg_map_path`` (an image for inference) stays as it is.

    Values are those that the file stores, see :func:`~mmvidext.datasets.media.label_map.read_label_map`.

    Args:
        ignore_index: The value that is ignored.

    Raises:
        FileNotFoundError: If the label file is missing.
        ValueError: If it is not a picture of one channel of 8 bits (gray or palette), is a JPEG, has another size than
            its frame, or holds any other value than ``ignore_index`` and ``0 .. num_classes - 1``, or, where the data
            set has a label map, the values that it names.
    """

    def __init__(self, *, ignore_index: int = 255) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``gt_seg_map``."""
        if 'seg_map_path' not in results:
            return results
        path = results['seg_map_path']
        label_map = results.get('label_map')
        results = super().transform({**results, 'label_map': None})
        known = range(results['num_classes']) if label_map is None else label_map
        present = np.flatnonzero(np.bincount(results['gt_seg_map'].ravel(), minlength=256))
        lowered = int(bool(results.get('reduce_zero_label')))  # the values of the file, by mmseg
        foreign = [int(value) + lowered for value in present if value not in known and value != self.ignore_index]
        if foreign:
            expected = (
                f'there are {results["num_classes"]} classes ({lowered} to {results["num_classes"] - 1 + lowered})'
                if label_map is None
                else f'the label map of the data set names {sorted(label_map)}'
            )
            raise ValueError(
                f'label file {path} holds the values {foreign}, but {expected} and {self.ignore_index} is ignored: use '
                'label files with training ids, or set metainfo or label_map of the data set'
            )
        if label_map is not None:
            results['gt_seg_map'] = _class_numbers(label_map)[results['gt_seg_map']]
        return {**results, 'label_map': label_map}

    def _load_seg_map(self, results: dict[str, Any]) -> None:
        labels = read_label_map(results['seg_map_path'], results.get('img_path', ''), results.get('ori_shape'))
        if results.get('reduce_zero_label'):
            labels = np.where(labels == 255, labels, labels - 1)  # and 0 becomes 255
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')


def _class_numbers(label_map: dict[int, int]) -> np.ndarray:
    """Return the class number of each value ``uint8 (256,)``; a value that is not named stays."""
    numbers = np.arange(256, dtype=np.uint8)
    numbers[list(label_map)] = list(label_map.values())
    return numbers
