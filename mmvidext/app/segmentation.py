"""Segmentation on the page: classes over the frames, with a legend and marked key frames."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvidext.apis.frame_sources import Source
from mmvidext.apis.video_segmentor import VideoSegmentor
from mmvidext.app.view import View, counted_frames, is_of_type

__all__ = ['SegmentationTask']


class SegmentationTask:
    """Deep Feature Flow on the page."""

    title = 'Segmentation'
    about = (
        'The class of each pixel. The whole network runs on key frames, which have a **yellow border**; between them a '
        'flow network carries the features on.'
    )
    video_title = 'Classes over the frames, with their legend; key frames have a yellow border'
    picture_titles: tuple[str, ...] = ()

    @staticmethod
    def fits(model: dict[str, Any]) -> bool:
        """Whether the model of a config is Deep Feature Flow."""
        return is_of_type(model, 'DeepFeatureFlow')

    def __init__(self, config: Config, checkpoint: str | None, *, device: str) -> None:
        self.segmentor = VideoSegmentor(config, checkpoint, device=device)

    def run(self, source: Source, out: Path, on_frame: Callable[[int], Any]) -> View:
        """Segment a video; draw the classes into ``out``."""
        report = self.segmentor.segment_video(source, out, legend=True, on_frame=lambda number, _: on_frame(number))
        return View(counted_frames(report.num_frames, report.num_key_frames), out)
