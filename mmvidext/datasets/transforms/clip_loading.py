"""Choose the key frame of a labeled frame, and load both."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvidext.datasets.media.images import read_image
from mmvidext.datasets.snippets import check_distance
from mmvidext.ops.checks import check_between, check_numbers
from mmvidext.registry import TRANSFORMS

__all__ = ['LoadClip', 'NoKeyFrameError', 'SampleKeyFrame']

_LONGEST = 1_000_000  # frames


class NoKeyFrameError(Exception):
    """A pipeline that does not choose a key frame: of no kind that would count as a bad file."""


@TRANSFORMS.register_module()
class SampleKeyFrame(BaseTransform):
    """Draw how many frames the key frame lies before the labeled one.

    A sample of an evaluation data set has its ``propagation_distance`` already and is not changed.

    Args:
        distance: A fixed distance, or the least and greatest of a uniform range, both included. Deep Feature Flow
            trains with ``(0, 9)``. A negative one is that to a later key frame: mmtracking trains with ``(-9, 9)``.
        zero_probability: Probability of distance 0 on top of the range: with ``distance=(1, 5)`` and 0.5, half of the
            samples are key frames.
        clamp: Let the first or last frame of the snippet be the key frame where the distance reaches beyond it, as the
            official code does; for data sets that label the first frames of a video too. Otherwise that is an error.

    Raises:
        ValueError: If the range is empty, or the probability outside [0, 1]; when a sample is drawn, if a distance of
            the range is longer than its snippet.
    """

    def __init__(
        self, distance: int | tuple[int, int] = (0, 9), *, zero_probability: float = 0.0, clamp: bool = False
    ) -> None:
        ends = distance if isinstance(distance, Sequence) else (distance, distance)
        form = 'a number or a range (least, greatest)'
        check_numbers(ends, -_LONGEST, _LONGEST, name='distance', form=form, count=2, whole=True)
        self.low, self.high = ends
        if self.low > self.high:
            raise ValueError(f'distance must be {form}, but is {distance}')
        check_between(zero_probability, 0, 1, name='zero_probability')
        self.zero_probability = zero_probability
        self.clamp = clamp

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``propagation_distance``."""
        if 'propagation_distance' not in results:
            before, behind = results['frame_index'], len(results['frame_paths']) - 1 - results['frame_index']
            if not self.clamp:
                check_distance(self.high, before, snippet=results['video'])
                check_distance(-self.low, behind, snippet=results['video'], side='behind')
            is_zero = np.random.random() < self.zero_probability
            distance = 0 if is_zero else int(np.random.randint(self.low, self.high + 1))
            results['propagation_distance'] = min(max(distance, -behind), before)
        return results


@TRANSFORMS.register_module()
class LoadClip(BaseTransform):
    """Load the key frame and the labeled frame as ``imgs``, in this order, each BGR ``uint8 (H, W, 3)``.

    At distance 0 both are the same frame, so every clip has two. A labeled frame that ``LoadImageFromFile`` has loaded
    before is not loaded again, and an image that belongs to no video is a clip of one frame: a test pipeline that
    starts with ``LoadImageFromFile`` serves mmseg's ``inference_model`` and ``MMSegInferencer`` too.

    Raises:
        FileNotFoundError: If a frame of the snippet is missing.
        NoKeyFrameError: If nothing said which frame is the key frame.
        ValueError: If the frames differ in size, or a file is not an image.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``imgs``, ``img_shape`` and ``ori_shape``."""
        loaded = results.pop('img', None)
        if loaded is not None and 'frame_paths' not in results:
            results['imgs'] = [loaded]
            return results
        current = results['frame_index']
        if 'propagation_distance' not in results:
            raise NoKeyFrameError(
                'LoadClip does not know the key frame: put SampleKeyFrame before it, or give the data set distances or '
                'a key_frame_interval'
            )
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
