"""The latest frames of a stream as the clip that a config's validation pipeline would make of them."""

import math
from collections import deque
from typing import Any

import numpy as np
from mmaction.datasets.transforms import DenseSampleFrames, Resize
from mmengine.config import Config
from mmengine.registry import DefaultScope
from numpy.typing import NDArray

from mmvidext.apis.recognizer_loading import split_pipeline

__all__ = ['ClipWindow', 'frames_in']

Frame = NDArray[np.uint8]
_LONGEST = 10.0  # seconds, for networks that look at a whole video
_MOST_FRAMES = 2**31  # more than any stream has, and as many as a deque can be told


class ClipWindow:
    """Keeps the latest frames, and prepares a clip of them.

    The frames are sampled as the pipeline samples a video that consists of just these. A step that only resizes is done
    when a frame comes, so that small frames are kept.

    Args:
        config: Config of an mmaction2 recognizer; the pipeline is that of its validation data.
        frame_rate: Frames per second of the stream.
        seconds: How much is kept. None is what one clip spans, or 10 seconds for a network that samples a whole video.

    Attributes:
        length: The most frames that are kept.

    Raises:
        ValueError: If the pipeline decodes no frames, or ``seconds`` is not positive and finite.
    """

    def __init__(self, config: Config, frame_rate: float, *, seconds: float | None = None) -> None:
        kept = frames_in(_LONGEST if seconds is None else seconds, frame_rate, name='window')
        with DefaultScope.overwrite_default_scope(config.get('default_scope', 'mmaction')):
            self._samplers, self._transforms = split_pipeline(config)
        self._resize: list[Resize] = []
        while self._transforms and isinstance(self._transforms[0], Resize) and not self._transforms[0].lazy:
            self._resize.append(self._transforms.pop(0))
        self._frame_rate = frame_rate
        span = max((_span(step) for step in self._samplers), default=0)
        self.length = kept
        if span and seconds is None:
            self.length = span
            _look_once(self._samplers)
        self._frames: deque[Frame] = deque(maxlen=self.length)
        self._size: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self._frames)

    def push(self, frame: Frame) -> None:
        """Take the next frame, RGB ``uint8 (H, W, 3)``. One of another size begins a new stream."""
        if frame.shape[:2] != self._size:
            self._frames.clear()
            self._size = frame.shape[:2]
        results: dict[str, Any] = dict(imgs=[frame], img_shape=self._size, original_shape=self._size, modality='RGB')
        for step in self._resize:
            results = step(results)
        self._frames.append(results['imgs'][0].copy())  # a source may use one buffer for all frames

    def clip(self) -> dict[str, Any]:
        """Return what the pipeline packs, of the frames that are there: ``inputs`` and ``data_samples``."""
        results: dict[str, Any] = dict(
            filename='', total_frames=len(self), start_index=0, avg_fps=self._frame_rate, modality='RGB', label=-1
        )
        for step in self._samplers:
            results = step(results)
        images = [self._frames[index] for index in np.ravel(results['frame_inds'])]
        results.update(imgs=images, original_shape=self._size, img_shape=images[0].shape[:2])
        for step in self._transforms:
            results = step(results)
        return results


def frames_in(seconds: float, frame_rate: float, *, name: str) -> int:
    """Return how many frames come in a time, at least 1.

    Args:
        seconds: The time.
        frame_rate: Frames per second.
        name: What the time is, for the error.

    Raises:
        ValueError: If the time is not positive and finite.
    """
    if not 0 < seconds < math.inf:
        raise ValueError(f'the {name} must be a finite number of seconds above 0, but is {seconds}')
    return max(1, round(min(seconds * frame_rate, _MOST_FRAMES)))


def _span(sampler: Any) -> int:
    """Return how many frames one clip covers, 0 where a sampler spreads its frames over the whole video."""
    if isinstance(sampler, DenseSampleFrames):
        return int(sampler.sample_range)
    clip_len, interval = getattr(sampler, 'clip_len', 1), getattr(sampler, 'frame_interval', None)
    return clip_len * interval if clip_len > 1 and interval else 0


def _look_once(samplers: list[Any]) -> None:
    """Let dense sampling look at one position: all of them are the same in as many frames as one clip covers."""
    for sampler in samplers:
        if isinstance(sampler, DenseSampleFrames):
            sampler.num_sample_positions = 1
