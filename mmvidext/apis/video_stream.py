"""Run a Deep Feature Flow model frame by frame, whatever its task."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from mmvidext.apis.frame_sources import Source, open_source
from mmvidext.apis.model_building import build_model
from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.datasets.transforms import ClipTransform
from mmvidext.models.propagation import FixedInterval, KeyFrame, KeyFramePolicy, PropagatingModel

__all__ = ['StreamOutput', 'VideoReport', 'VideoStream', 'build_stream_model']

Model = TypeVar('Model', bound=PropagatingModel)


class VideoReport(NamedTuple):
    """What a stream was."""

    num_frames: int
    num_key_frames: int


class StreamOutput(NamedTuple):
    """Something that is written while a stream runs.

    Attributes:
        path: Its file or folder.
        open: Returns the writer, whose ``write`` takes one thing for each frame, from the frames per second.
        view: What is written of a frame and its result.
    """

    path: Path
    open: Callable[[float], Any]
    view: Callable[[np.ndarray, Any], Any]


def build_stream_model(config: str | Path | Config, kind: type[Model], *, scope: str) -> tuple[Config, Model]:
    """Read a config and build its model, with its first weights.

    Args:
        config: Config file, or the loaded config.
        kind: What the model must be.
        scope: The toolbox that it is built in, unless the config names another one.

    Raises:
        ValueError: If the model is of another kind.
    """
    config = config if isinstance(config, Config) else Config.fromfile(config)
    init_default_scope(config.get('default_scope', scope))
    model = build_model(config, default_scope=scope)
    if not isinstance(model, kind):
        raise ValueError(
            f'the model of the config must be a mmvidext.{kind.__name__}, but it is a {type(model).__name__}; use '
            f'{scope}.apis for single images'
        )
    return config, model


class VideoStream(ABC):
    """A model and the key frame of a stream: between frames it keeps nothing else, however long the video is.

    A frame of another size than the one before becomes a key frame, since nothing can be propagated to it.

    Args:
        model: The model.
        transforms: The steps that prepare a frame.
        device: Where to run.
        policy: When key frames come; by default every ``key_frame_interval`` of the model.

    Attributes:
        distance: Frames since the last key frame.
        residual: How badly the key frame explains the last frame, where the policy asked for it.
    """

    def __init__(
        self,
        model: PropagatingModel,
        transforms: Sequence[ClipTransform],
        *,
        device: str = 'cpu',
        policy: KeyFramePolicy | None = None,
    ) -> None:
        self.model: Any = model.to(device).eval()
        self.policy = policy or FixedInterval(model.key_frame_interval)
        self._transforms = transforms
        self.reset()

    def reset(self) -> None:
        """Forget the stream: the next frame is a key frame."""
        self._key_frame: KeyFrame | None = None
        self._frame_shape: tuple[int, ...] | None = None
        self.distance = 0
        self.residual: float | None = None

    @property
    def is_key_frame(self) -> bool:
        """Whether the last frame was a key frame."""
        return self.distance == 0

    def step(self, frame: np.ndarray) -> Any:
        """Return the result for the next frame, RGB ``uint8 (H, W, 3)``.

        Raises:
            ValueError: If the frame is not such an array, or has no pixels. The stream goes on without it.
        """
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
            raise ValueError(f'frame must be an RGB uint8 array (H, W, 3), but got {frame.dtype} {frame.shape}')
        size = frame.shape[:2]
        results: dict[str, Any] = dict(imgs=[frame[..., ::-1].copy()], img_shape=size, ori_shape=size, seg_fields=[])
        for transform in self._transforms:
            results = transform(results)
        with torch.inference_mode():
            inputs, sample = self._pack(results)
            maps = self._advance(inputs[:, -1], self._image_sizes(sample), is_same_size=size == self._frame_shape)
            self._frame_shape = size
            return self._read(maps, sample)

    def write(
        self,
        source: str | Path | Source,
        outputs: Sequence[StreamOutput],
        on_frame: Callable[[int, int], Any] | None = None,
    ) -> VideoReport:
        """Run through a source from its first frame, and write outputs.

        Args:
            source: What :func:`~mmvidext.apis.frame_sources.open_source` opens, or what it returned.
            outputs: What is written for each frame.
            on_frame: Called after each frame with its number, from 1, and how many there are, 0 if unknown.

        Raises:
            FileNotFoundError: If there is no such source.
            ValueError: If it cannot be read, or is damaged: then what can be read is in the outputs, which are closed.
                Before anything is written: if an output is an input, or has an unknown suffix.
            OSError: If an output cannot be written, or the source does not answer.
        """
        opened = source if isinstance(source, Source) else open_source(source)
        check_outputs([output.path for output in outputs], opened.files)
        self.reset()
        num_frames = num_key_frames = 0
        with ExitStack() as stack:
            writers = [(stack.enter_context(output.open(opened.frame_rate)), output.view) for output in outputs]
            for frame in opened.frames:
                result = self.step(frame)
                for writer, view in writers:
                    writer.write(view(frame, result))
                num_frames += 1
                num_key_frames += self.is_key_frame
                if on_frame is not None:
                    on_frame(num_frames, opened.num_frames)
        return VideoReport(num_frames, num_key_frames)

    @abstractmethod
    def _pack(self, results: dict[str, Any]) -> tuple[Tensor, Any]:
        """Turn a prepared frame into the model's input ``(1, 1, 3, H, W)`` and its data sample."""

    @abstractmethod
    def _read(self, maps: tuple[Tensor, ...], sample: Any) -> Any:
        """Turn the maps of a frame into its result."""

    def _image_sizes(self, sample: Any) -> list[tuple[int, int]] | None:
        """Return the size of the image inside its padded frame, where the flow network must not see the padding."""
        return None

    def _advance(
        self, frame: Tensor, image_sizes: list[tuple[int, int]] | None, *, is_same_size: bool
    ) -> tuple[Tensor, ...]:
        """Make a frame ``(1, 3, H, W)`` the next one of the stream; return its maps."""
        self.residual = None
        key_frame = self._key_frame
        if key_frame is not None and is_same_size and not self.policy.is_due(self.distance + 1):
            motion = self.model.estimate_motion(frame, key_frame, image_sizes)
            if self.policy.needs_residual:
                self.residual = float(self.model.warp_residual(frame, key_frame, motion, image_sizes))
            if self.residual is None or self.policy.trusts(self.residual):
                self.distance += 1
                return self.model.feature_flow(key_frame.maps, motion)
        self._key_frame = self.model.encode_key_frame(frame, image_sizes)
        self.distance = 0
        return self._key_frame.maps
