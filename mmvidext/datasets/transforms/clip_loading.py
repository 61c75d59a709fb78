"""Choose the key frame of a labeled frame, load both, and load the label."""

import io
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmvidext.datasets.media.files import read_bytes
from mmvidext.datasets.media.images import check_picture_size, read_image
from mmvidext.datasets.video_seg_dataset import check_distance
from mmvidext.registry import TRANSFORMS

__all__ = ['LoadClip', 'LoadClipAnnotations', 'SampleKeyFrame']


@TRANSFORMS.register_module()
class SampleKeyFrame(BaseTransform):
    """Draw how many frames the key frame lies before the labeled one.

    A sample of an evaluation data set has its ``propagation_distance`` already and is not changed.

    Args:
        distance: A fixed distance, or the least and greatest of a uniform range, both included. Deep Feature Flow
            trains with ``(0, 9)``.
        zero_probability: Probability of distance 0 on top of the range: with ``distance=(1, 5)`` and 0.5, half of the
            samples are key frames.
        clamp: Let the first frame of the snippet be the key frame where the distance reaches beyond it, as the official
            code does; for data sets that label the first frames of a video too. Otherwise that is an error.

    Raises:
        ValueError: If the range is empty or negative, or the probability outside [0, 1]; when a sample is drawn, if the
            greatest distance is longer than its snippet.
    """

    reads_files = False  # for the policy for bad files: an error here is one of the config

    def __init__(
        self, distance: int | tuple[int, int] = (0, 9), *, zero_probability: float = 0.0, clamp: bool = False
    ) -> None:
        low, high = (distance, distance) if isinstance(distance, int) else distance
        if not 0 <= low <= high:
            raise ValueError(f'distance must be a number >= 0 or a range 0 <= least <= greatest, but got {distance}')
        if not 0 <= zero_probability <= 1:
            raise ValueError(f'zero_probability must be in [0, 1], but got {zero_probability}')
        self.low, self.high = low, high
        self.zero_probability = zero_probability
        self.clamp = clamp

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``propagation_distance``."""
        if 'propagation_distance' not in results:
            if not self.clamp:
                check_distance(self.high, results['frame_index'], snippet=results['video'])
            is_zero = np.random.random() < self.zero_probability
            distance = 0 if is_zero else int(np.random.randint(self.low, self.high + 1))
            results['propagation_distance'] = min(distance, results['frame_index'])
        return results


@TRANSFORMS.register_module()
class LoadClip(BaseTransform):
    """Load the key frame and the labeled frame as ``imgs``, in this order, each BGR ``uint8 (H, W, 3)``.

    At distance 0 both are the same frame, so every clip has two. A labeled frame that ``LoadImageFromFile`` has loaded
    before is not loaded again, and an image that belongs to no video is a clip of one frame: a test pipeline that
    starts with ``LoadImageFromFile`` serves mmseg's ``inference_model`` and ``MMSegInferencer`` too.

    Raises:
        FileNotFoundError: If a frame of the snippet is missing.
        ValueError: If the frames differ in size, or a file is not an image.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``imgs``, ``img_shape`` and ``ori_shape``."""
        loaded = results.pop('img', None)
        if loaded is not None and 'frame_paths' not in results:
            results['imgs'] = [loaded]
            return results
        current = results['frame_index']
        key = current - results['propagation_distance']
        current_image = self._load(results, current) if loaded is None else loaded
        key_image = current_image if key == current else self._load(results, key)
        if key_image.shape != current_image.shape:
            raise ValueError(
                f'snippet {results["video"]}: all frames must have one size, but frame '
                f'{results["frame_paths"][key]} is {_size(key_image)} and {results["frame_paths"][current]} is '
                f'{_size(current_image)}'
            )
        results['imgs'] = [key_image, current_image]
        results['img_shape'] = results['ori_shape'] = current_image.shape[:2]
        return results

    @staticmethod
    def _load(results: dict[str, Any], index: int) -> np.ndarray:
        path = results['frame_paths'][index]
        try:
            return read_image(path)
        except (FileNotFoundError, ValueError) as error:
            raise type(error)(f'snippet {results["video"]}: frame {error}; unpack its sequence again') from error


def _size(image: np.ndarray) -> str:
    return f'{image.shape[1]}x{image.shape[0]}'


@TRANSFORMS.register_module()
class LoadClipAnnotations(LoadAnnotations):
    """mmseg's ``LoadAnnotations`` that refuses what is not a map of class numbers for its frame.

    A sample without ``seg_map_path`` (an image for inference) stays as it is.

    Args:
        ignore_index: The value that is ignored.
        **kwargs: The arguments of ``mmseg.LoadAnnotations``.

    Raises:
        FileNotFoundError: If the label file is missing.
        ValueError: If it is not a picture of one channel of 8 bits (gray or palette), has another size than its frame,
            or holds any other value than ``ignore_index`` and ``0 .. num_classes - 1``, or, where the data set has a
            label map, the values that it names.
    """

    def __init__(self, *, ignore_index: int = 255, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``gt_seg_map``."""
        if 'seg_map_path' not in results:
            return results
        path = results['seg_map_path']
        _check_label_file(path, results.get('ori_shape'))
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


def _check_label_file(path: str, frame_size: tuple[int, int] | None) -> None:
    """Look at the header only: mmseg would cut 16 bits down to 8, and take colors for more pixels."""
    try:
        content = read_bytes(path)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f'label file {error}') from error
    check_picture_size(f'label file {path}', io.BytesIO(content))
    try:
        with Image.open(io.BytesIO(content)) as image:
            mode, size = image.mode, image.size[::-1]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f'label file {path} is not a picture, or is damaged: {error}') from error
    if mode not in ('1', 'L', 'P'):
        raise ValueError(
            f'label file {path} has pixels of mode {mode!r} (Pillow), but a label map has one channel of 8 bits with '
            'the number of the class: convert colors or 16-bit ids to class numbers'
        )
    if frame_size is not None and size != tuple(frame_size):
        raise ValueError(
            f'label file {path} is {size} (height, width), but its frame is {tuple(frame_size)}: a label map must have '
            'the size of its frame'
        )
