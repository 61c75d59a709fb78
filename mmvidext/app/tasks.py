"""What the page can do with a video: one class for each kind of model.

Another kind is another class with these members, and its place in ``TASKS``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from mmengine.config import Config

from mmvidext.apis.frame_sources import Source
from mmvidext.app.detection import DetectionTask
from mmvidext.app.flow import FlowTask
from mmvidext.app.recognition import RecognitionTask
from mmvidext.app.segmentation import SegmentationTask
from mmvidext.app.view import View

__all__ = ['TASKS', 'Task', 'open_task']


class Task(Protocol):
    """A model on the page.

    Attributes:
        title: Of the tab that has all models of this kind.
        about: What the tab shows, in Markdown.
        video_title: Of the video that is drawn.
        picture_titles: Of the pictures below it.
    """

    title: str
    about: str
    video_title: str
    picture_titles: tuple[str, ...]

    @staticmethod
    def fits(model: dict[str, Any]) -> bool:
        """Whether the model of a config is of this kind."""

    def __init__(self, config: Config, checkpoint: str | None, *, device: str) -> None: ...

    def run(self, source: Source, out: Path, on_frame: Callable[[int], Any]) -> View:
        """Go through a video, draw what the model sees into ``out``, and call ``on_frame`` after each frame."""


TASKS: tuple[type[Task], ...] = (RecognitionTask, SegmentationTask, DetectionTask, FlowTask)


def open_task(config: Config, checkpoint: str | None, *, device: str) -> Task:
    """Build the model of a config for the page.

    Args:
        config: The config.
        checkpoint: Its weights; None keeps the random ones.
        device: Where to compute.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If the page has nothing for such a model, or the weights do not fit.
        ImportError: If a toolbox that the model needs is not installed.
    """
    model = config.get('model') or {}
    for kind in TASKS:
        if isinstance(model, dict) and kind.fits(model):
            return kind(config, checkpoint, device=device)
    raise ValueError(
        f'{config.filename or "the config"}: the page has no tab for a model of the type {model.get("type")}; it shows '
        'recognizers, mmvidext.DeepFeatureFlow, mmvidext.DeepFeatureFlowDetector and mmvidext.FlowEstimator'
    )
