"""Run a Deep Feature Flow model frame by frame, whatever its task."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import Registry, init_default_scope
from torch import Tensor

from mmvidext.apis.dataset_classes import classes_and_palette
from mmvidext.apis.frame_pipeline import frame_transforms
from mmvidext.apis.frame_sources import Source, check_frame, open_source
from mmvidext.apis.model_building import build_model
from mmvidext.apis.picture_outputs import check_outputs
from mmvidext.apis.weights import load_for_inference
from mmvidext.models.propagation import FixedInterval, KeyFrame, KeyFramePolicy, PropagatingModel

__all__ = ['StreamOutput', 'VideoReport', 'VideoStream']


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


class VideoStream(ABC):
    """Deep Feature Flow on a stream of frames: between calls it keeps one key frame, however long the video is.

    A frame of another size than the one before becomes a key frame, since nothing can be propagated to it.

    Args:
        config: Config file, or the loaded config, with a ``model_class`` as its model. Frames are prepared by its data
            preprocessor and by all steps of its test pipeline, if there is one, that neither load nor pack.
        checkpoint: Weights of the whole model. Those of the plain image model will do where the flow network has a file
            of its own in the config. None keeps the random ones.
        device: Where to run.
        policy: When key frames come; by default every ``key_frame_interval`` of the model.

    Attributes:
        model_class: What the config's model must be.
        datasets: The toolbox's registry of data sets; the model is built in its scope, unless the config names another.
        classes: Names, from the checkpoint, or else from the config; else ``class 0``, ``class 1``.
        palette: Their colors, RGB ``uint8 (K, 3)``.
        distance: Frames since the last key frame.
        residual: How badly the key frame explains the last frame, where the policy asked for it.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If the config's model is not a ``model_class``, or the weights do not fit it.
    """

    model_class: ClassVar[type[PropagatingModel]]
    datasets: ClassVar[Registry]

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None = None,
        *,
        device: str = 'cpu',
        policy: KeyFramePolicy | None = None,
    ) -> None:
        config = config if isinstance(config, Config) else Config.fromfile(config)
        model: Any = self._build_model(config)
        meta = {} if checkpoint is None else load_for_inference(model, checkpoint).meta
        self.classes, self.palette = classes_and_palette(config, meta, model.num_classes, self.datasets)
        self.model = model.to(device).eval()
        self.policy = policy or FixedInterval(model.key_frame_interval)
        self._transforms = frame_transforms(config)
        self.reset()

    def _build_model(self, config: Config) -> Any:
        scope = self.datasets.scope
        init_default_scope(config.get('default_scope', scope))
        model = build_model(config, default_scope=scope)
        if not isinstance(model, self.model_class):
            raise ValueError(
                f'the model of the config must be a mmvidext.{self.model_class.__name__}, but it is a '
                f'{type(model).__name__}; use {scope}.apis for single images'
            )
        return model

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
            ValueError: If the frame is not such an array, or has no pixels: the stream goes on without it. If what the
                model gives is not finite: the next frame is a key frame.
        """
        check_frame(frame)
        size = frame.shape[:2]
        results: dict[str, Any] = dict(imgs=[frame[..., ::-1].copy()], img_shape=size, ori_shape=size, seg_fields=[])
        for transform in self._transforms:
            results = transform(results)
        with torch.inference_mode():
            inputs, sample = self._pack(results)
            maps = self._advance(inputs[:, -1], self._image_sizes(sample), is_same_size=size == self._frame_shape)
            self._frame_shape = size
            try:
                return self._read(maps, sample)
            except ValueError:  # the key frame may be the reason: it serves no other frame
                self.reset()
                raise

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
            ValueError: If it cannot be read, or is damaged, or what the model gives is not finite: then the frames
                before that are in the outputs, which are closed.
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
        """Turn the maps of a frame into its result.

        Raises:
            ValueError: If the model gives what is not finite.
        """

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
