"""Optical flow on the page: the motion of each pixel in color, and the wheel that explains the colors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from mmvidext.apis.flow_inferencer import FlowInferencer
from mmvidext.apis.flow_video import estimate_video_flow
from mmvidext.apis.frame_sources import Source
from mmvidext.app.view import View, counted, is_of_type
from mmvidext.ops.flow_color import flow_color_wheel

__all__ = ['FlowTask']

_WHEEL = 240  # pixels


class FlowTask:
    """A flow network on the page."""

    title = 'Optical flow'
    about = 'Where each pixel goes from a frame to the next one.'
    video_title = 'Flow to the next frame: the color says where to, and how far, as on the wheel'
    picture_titles: tuple[str, ...] = (
        'Color wheel: direction, and length as a part of the longest vector in the frame',
    )

    @staticmethod
    def fits(model: dict[str, Any]) -> bool:
        """Whether the model of a config is a flow network."""
        return is_of_type(model, 'FlowEstimator')

    def __init__(self, config: Config, checkpoint: str | None, *, device: str) -> None:
        self.inferencer = FlowInferencer(config, checkpoint, device=device)

    def run(self, source: Source, out: Path, on_frame: Callable[[int], Any]) -> View:
        """Estimate the flow through a video; draw it into ``out``.

        Raises:
            ValueError: If the video has only one frame.
        """
        longest: list[float] = []

        def note(number: int, flow: np.ndarray) -> None:
            longest.append(float(np.hypot(*np.moveaxis(flow, -1, 0)).max()))
            on_frame(number + 1)

        count = estimate_video_flow(self.inferencer, source, picture=out, on_flow=note)
        if not count:
            raise ValueError('the video has only one frame, so nothing moves in it')
        wheel = flow_color_wheel(_WHEEL).permute(1, 2, 0).numpy()
        return View(
            f'{counted(count, "pair")} of frames; the longest motion is {max(longest):.1f} pixels', out, (wheel,)
        )
