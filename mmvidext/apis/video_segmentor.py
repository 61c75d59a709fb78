"""Segment a video frame by frame."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmseg.registry import DATASETS as SEG_DATASETS
from torch import Tensor

from mmvidext.apis.finite_outputs import check_finite
from mmvidext.apis.frame_sources import Source
from mmvidext.apis.picture_outputs import PictureFolder, open_pictures
from mmvidext.apis.video_stream import StreamOutput, VideoReport, VideoStream
from mmvidext.datasets.transforms import PackClipInputs
from mmvidext.drawing.pictures import draw_border, draw_legend
from mmvidext.models.segmentors import DeepFeatureFlow
from mmvidext.models.segmentors.label_map import label_map

__all__ = ['VideoSegmentor', 'draw_overlay']

_PACK = PackClipInputs()


class VideoSegmentor(VideoStream):
    """Segment a stream of frames with a ``DeepFeatureFlow``; see :class:`VideoStream`."""

    model_class = DeepFeatureFlow
    datasets = SEG_DATASETS

    def step(self, frame: np.ndarray) -> np.ndarray:
        """Segment the next frame.

        Args:
            frame: RGB, ``uint8 (H, W, 3)``.

        Returns:
            Class of each pixel, ``uint8 (H, W)``; ``int32`` with more than 256 classes.

        Raises:
            ValueError: If the frame is not such an array, or has no pixels: the stream goes on without it. If its
                scores are not finite: the next frame is a key frame.
        """
        return super().step(frame)

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
        overlay = self._overlay_with_legend if legend else self._overlay
        outputs = [_video(out_path, overlay)]
        if label_video is not None:
            outputs.append(_video(label_video, self._colors))
        if masks is not None:
            folder = PictureFolder(Path(masks))
            outputs.append(StreamOutput(folder.folder, lambda _: folder, lambda _, labels: labels))
        return self.write(source, outputs, on_frame)

    def _overlay(self, frame: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return draw_overlay(frame, self.palette[labels], marked=self.is_key_frame)

    def _overlay_with_legend(self, frame: np.ndarray, labels: np.ndarray) -> np.ndarray:
        present = np.flatnonzero(np.bincount(labels.ravel(), minlength=len(self.palette)))
        names = [self.classes[label] for label in present]
        return draw_legend(self._overlay(frame, labels), names, self.palette[present])

    def _colors(self, frame: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return self.palette[labels]

    def _pack(self, results: dict[str, Any]) -> tuple[Tensor, Any]:
        packed = {name: [value] for name, value in _PACK(results).items()}
        data = self.model.data_preprocessor(packed)
        return data['inputs'], data['data_samples'][0]

    def _read(self, maps: tuple[Tensor, ...], sample: Any) -> np.ndarray:
        logits = self.model.decode(maps)
        check_finite(logits, 'the scores')
        labels = label_map(self.model, logits, sample.metainfo)
        return labels[0].cpu().numpy().astype(np.uint8 if self.model.num_classes <= 256 else np.int32)


def _video(path: str | Path, view: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> StreamOutput:
    return StreamOutput(Path(path), partial(open_pictures, Path(path)), view)


def draw_overlay(frame: np.ndarray, colors: np.ndarray, *, marked: bool = False) -> np.ndarray:
    """Lay the colors of the labels over a frame.

    Args:
        frame: RGB, ``uint8 (H, W, 3)``.
        colors: RGB, ``uint8 (H, W, 3)``.
        marked: Draw a yellow border.

    Returns:
        RGB, ``uint8 (H, W, 3)``.
    """
    overlay = ((frame.astype(np.uint16) + colors) // 2).astype(np.uint8)
    return draw_border(overlay) if marked else overlay
