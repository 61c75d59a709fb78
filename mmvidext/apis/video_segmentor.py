"""Segment a video frame by frame."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS as SEG_DATASETS
from torch import Tensor

from mmvidext.apis.frame_pipeline import frame_transforms, test_dataset
from mmvidext.apis.frame_sources import Source, open_source
from mmvidext.apis.model_building import build_model
from mmvidext.apis.picture_outputs import PictureFolder, check_outputs, open_pictures
from mmvidext.apis.weights import load_for_inference
from mmvidext.datasets.transforms import PackClipInputs
from mmvidext.drawing.pictures import draw_legend
from mmvidext.models.propagation import FixedInterval, KeyFrame, KeyFramePolicy
from mmvidext.models.segmentors import DeepFeatureFlow
from mmvidext.models.segmentors.label_map import label_map

__all__ = ['VideoReport', 'VideoSegmentor', 'draw_overlay']


class VideoReport(NamedTuple):
    """What :meth:`VideoSegmentor.segment_video` did."""

    num_frames: int
    num_key_frames: int


class VideoSegmentor:
    """Deep Feature Flow on a stream of frames: between calls it keeps one key frame, however long the video is.

    A frame of another size than the one before becomes a key frame, since nothing can be propagated to it.

    Args:
        config: Config file, or the loaded config, with a ``DeepFeatureFlow`` as its model. Frames are prepared by its
            data preprocessor and by all steps of its test pipeline, if there is one, that neither load nor pack.
        checkpoint: Weights of the whole model. Those of the plain segmentor will do where the flow network has a file
            of its own in the config. None keeps the random ones.
        device: Where to run.
        policy: When key frames come; by default every ``key_frame_interval`` of the model.

    Attributes:
        classes: Names, from the checkpoint, or else from the config; else ``class 0``, ``class 1``.
        palette: Their colors, RGB ``uint8 (K, 3)``.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If the config's model is not a ``DeepFeatureFlow``, or the weights do not fit it.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None = None,
        *,
        device: str = 'cpu',
        policy: KeyFramePolicy | None = None,
    ) -> None:
        config = config if isinstance(config, Config) else Config.fromfile(config)
        init_default_scope(config.get('default_scope', 'mmseg'))
        model = build_model(config, default_scope='mmseg')
        if not isinstance(model, DeepFeatureFlow):
            raise ValueError(
                f'the model of the config must be a mmvidext.DeepFeatureFlow, but it is a {type(model).__name__}; use '
                'mmseg.apis for single images'
            )
        self.palette = _palette(test_dataset(config), model.num_classes)
        self.classes = _classes(test_dataset(config), model.num_classes)
        if checkpoint is not None:
            meta = load_for_inference(model, checkpoint).meta.get('dataset_meta') or {}
            self.palette = np.array(meta.get('palette', self.palette), np.uint8)
            self.classes = list(meta.get('classes', self.classes))
        self.model = model.to(device).eval()
        self.policy = policy or FixedInterval(model.key_frame_interval)
        self._transforms = frame_transforms(config)
        self._label_type = np.uint8 if model.num_classes <= 256 else np.int32
        self._pack = PackClipInputs()
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

    @torch.inference_mode()
    def step(self, frame: np.ndarray) -> np.ndarray:
        """Segment the next frame.

        Args:
            frame: RGB, ``uint8 (H, W, 3)``.

        Returns:
            Class of each pixel, ``uint8 (H, W)``; ``int32`` with more than 256 classes.

        Raises:
            ValueError: If the frame is not such an array, or has no pixels. The stream goes on without it.
        """
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
            raise ValueError(f'frame must be an RGB uint8 array (H, W, 3), but got {frame.dtype} {frame.shape}')
        data = self.model.data_preprocessor(self._prepare(frame))
        logits = self._advance(data['inputs'][:, -1], is_same_size=frame.shape == self._frame_shape)
        self._frame_shape = frame.shape
        labels = label_map(self.model, logits, data['data_samples'][0].metainfo)
        return labels[0].cpu().numpy().astype(self._label_type)

    def segment_video(
        self,
        source: str | Path | Source,
        out_path: str | Path,
        *,
        masks: str | Path | None = None,
        label_video: str | Path | None = None,
        legend: bool = False,
        on_frame: Callable[[int, int], Any] | None = None,
    ) -> VideoReport:
        """Write a video with the labels laid over the frames; key frames have a yellow border.

        Args:
            source: What :func:`~mmvidext.apis.frame_sources.open_source` opens: a video, a folder or pattern of
                pictures, a camera, an address; or what it returned.
            out_path: A video (``.mp4``, ``.mov``, ``.mkv``, ``.webm``, ``.avi``), or a folder of PNG files: a path
                without suffix. A frame of another size than the first is fitted into a video.
            masks: Folder for the classes of each frame, as PNG files of 8 bits; 16 with more than 256 classes.
            label_video: Video or folder for the colors of the classes alone.
            legend: Write the names of the classes in a frame beside their colors.
            on_frame: Called after each frame with its number, from 1, and how many there are, 0 if unknown.

        Returns:
            How many frames were written, and how many of them were key frames.

        Raises:
            FileNotFoundError: If there is no such source.
            ValueError: If it cannot be read, or is damaged: then what can be read is in the outputs, which are closed
                and playable. Before anything is written: if an output is an input, or has an unknown suffix.
            OSError: If an output cannot be written, or the source does not answer.
        """
        opened = source if isinstance(source, Source) else open_source(source)
        overlay = self._overlay_with_legend if legend else self._overlay
        videos = [(Path(path), view) for path, view in ((out_path, overlay), (label_video, self._colors)) if path]
        folder = None if masks is None else PictureFolder(Path(masks))
        check_outputs([path for path, _ in videos] + ([folder.folder] if folder else []), opened.files)
        self.reset()
        num_frames = num_key_frames = 0
        with ExitStack() as stack:
            writers = [(stack.enter_context(open_pictures(path, opened.frame_rate)), view) for path, view in videos]
            for frame in opened.frames:
                labels = self.step(frame)
                for writer, view in writers:
                    writer.write(view(frame, labels))
                if folder is not None:
                    folder.write(labels)
                num_frames += 1
                num_key_frames += self.is_key_frame
                if on_frame is not None:
                    on_frame(num_frames, opened.num_frames)
        return VideoReport(num_frames, num_key_frames)

    def _overlay(self, frame: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return draw_overlay(frame, self.palette[labels], marked=self.is_key_frame)

    def _overlay_with_legend(self, frame: np.ndarray, labels: np.ndarray) -> np.ndarray:
        present = np.flatnonzero(np.bincount(labels.ravel(), minlength=len(self.palette)))
        names = [self.classes[label] for label in present]
        return draw_legend(self._overlay(frame, labels), names, self.palette[present])

    def _colors(self, frame: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return self.palette[labels]

    def _advance(self, frame: Tensor, *, is_same_size: bool) -> Tensor:
        """Make a frame ``(1, 3, H, W)`` the next one of the stream; return its logits."""
        self.residual = None
        if self._key_frame is not None and is_same_size and not self.policy.is_due(self.distance + 1):
            motion = self.model.estimate_motion(frame, self._key_frame)
            if self.policy.needs_residual:
                self.residual = float(self.model.warp_residual(frame, self._key_frame, motion))
            if self.residual is None or self.policy.trusts(self.residual):
                self.distance += 1
                return self.model.propagate(self._key_frame, motion)
        self._key_frame = self.model.encode_key_frame(frame)
        self.distance = 0
        return self.model.decode(self._key_frame.maps)

    def _prepare(self, frame: np.ndarray) -> dict[str, list]:
        size = frame.shape[:2]
        results: dict[str, Any] = dict(imgs=[frame[..., ::-1].copy()], img_shape=size, ori_shape=size, seg_fields=[])
        for transform in self._transforms:
            results = transform(results)
        packed = self._pack(results)
        return {name: [value] for name, value in packed.items()}


def draw_overlay(frame: np.ndarray, colors: np.ndarray, *, marked: bool = False) -> np.ndarray:
    """Lay the colors of the labels over a frame.

    Args:
        frame: RGB, ``uint8 (H, W, 3)``.
        colors: RGB, ``uint8 (H, W, 3)``.
        marked: Draw a yellow border.

    Returns:
        RGB, ``uint8 (H, W, 3)``.
    """
    overlay = (frame.astype(np.uint16) + colors) // 2
    if marked:
        border = max(2, min(frame.shape[:2]) // 50)
        inside = overlay[border:-border, border:-border].copy()
        overlay[:] = (255, 220, 0)
        overlay[border:-border, border:-border] = inside
    return overlay.astype(np.uint8)


def _classes(dataset: dict[str, Any], num_classes: int) -> list[str]:
    names = _metainfo(dataset).get('classes') or ()
    return list(names) if len(names) == num_classes else [f'class {number}' for number in range(num_classes)]


def _metainfo(dataset: dict[str, Any]) -> dict[str, Any]:
    kind = dataset.get('type')
    kind = SEG_DATASETS.get(kind) if isinstance(kind, str) else kind
    return dataset.get('metainfo') or getattr(kind, 'METAINFO', {})


def _palette(dataset: dict[str, Any], num_classes: int) -> np.ndarray:
    """Return the colors ``uint8 (K, 3)`` of a data set's classes, or evenly spread ones if it names none."""
    own = _metainfo(dataset)
    if len(own.get('palette') or ()) == num_classes:
        return np.array(own['palette'], np.uint8)
    hues = np.linspace(0, 2 * np.pi, num_classes, endpoint=False)
    waves = np.stack([np.cos(hues + shift) for shift in (0, 2 * np.pi / 3, 4 * np.pi / 3)], axis=-1)
    return (127.5 + 127.5 * waves).astype(np.uint8)
