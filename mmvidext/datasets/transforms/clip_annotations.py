"""Load the label map of a clip's last frame."""

import io
from typing import Any

import numpy as np
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmvidext.datasets.media.files import read_bytes
from mmvidext.datasets.media.images import check_picture_size
from mmvidext.registry import TRANSFORMS

__all__ = ['LoadClipAnnotations']


@TRANSFORMS.register_module()
class LoadClipAnnotations(LoadAnnotations):
    """mmseg's ``LoadAnnotations`` that refuses what is not a map of class numbers for its frame.

    A sample without ``seg_map_path`` (an image for inference) stays as it is.

    Args:
        ignore_index: The value that is ignored.
        **kwargs: The arguments of ``mmseg.LoadAnnotations``.

    Raises:
        FileNotFoundError: If the label file is missing.
        ValueError: If it is not a picture of one channel of 8 bits (gray or palette), is a JPEG, has another size than
            its frame, or holds any other value than ``ignore_index`` and ``0 .. num_classes - 1``, or, where the data
            set has a label map, the values that it names.
    """

    def __init__(self, *, ignore_index: int = 255, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``gt_seg_map``."""
        if 'seg_map_path' not in results:
            return results
        path = results['seg_map_path']
        _check_label_file(path, results.get('img_path', ''), results.get('ori_shape'))
        label_map = results.get('label_map')
        try:
            results = super().transform({**results, 'label_map': None})
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # Pillow's on damaged files
            raise ValueError(f'label file {path} cannot be decoded: {error}') from error
        known = range(results['num_classes']) if label_map is None else label_map
        present = np.flatnonzero(np.bincount(results['gt_seg_map'].ravel(), minlength=256))
        foreign = [int(value) for value in present if value not in known and value != self.ignore_index]
        if foreign:
            expected = (
                f'there are {results["num_classes"]} classes (0 to {results["num_classes"] - 1})'
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


def _class_numbers(label_map: dict[int, int]) -> np.ndarray:
    """Return the class number of each value ``uint8 (256,)``; a value that is not named stays."""
    numbers = np.arange(256, dtype=np.uint8)
    numbers[list(label_map)] = list(label_map.values())
    return numbers


def _check_label_file(path: str, frame: str, frame_size: tuple[int, int] | None) -> None:
    """Look at the header only: mmseg would cut 16 bits down to 8, and take colors for more pixels."""
    try:
        content = read_bytes(path)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f'label file {error}') from error
    check_picture_size(f'label file {path}', io.BytesIO(content))
    try:
        with Image.open(io.BytesIO(content)) as image:
            mode, size, is_jpeg = image.mode, image.size[::-1], image.format in ('JPEG', 'MPO')
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f'label file {path} is not a picture, or is damaged: {error}') from error
    if mode not in ('1', 'L', 'P'):
        raise ValueError(
            f'label file {path} has pixels of mode {mode!r} (Pillow), but a label map has one channel of 8 bits with '
            'the number of the class: convert colors or 16-bit ids to class numbers'
        )
    if is_jpeg:
        raise ValueError(
            f'label file {path} is a JPEG, which changes the values along the borders of the classes: make the labels '
            'anew, as PNG'
        )
    if frame_size is not None and size != tuple(frame_size):
        raise ValueError(
            f'label file {path} is {size} (height, width), but its frame is {tuple(frame_size)}: a label map must have '
            f'the size of its frame {frame}'.rstrip()
        )
