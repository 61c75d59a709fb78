"""Recognition on the page: the best classes while the video runs, and the motion that MotionSqueeze sees."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from numpy.typing import NDArray

from mmvidext.apis.frame_sources import Source
from mmvidext.apis.picture_outputs import open_pictures
from mmvidext.apis.seen_motion import see_motion, sees_motion
from mmvidext.apis.video_recognizer import RecognitionRun, VideoPrediction, VideoRecognizer, best_classes
from mmvidext.app.view import View, counted, table_cell
from mmvidext.drawing.figures import figure_picture
from mmvidext.drawing.motion import draw_motion
from mmvidext.drawing.pictures import draw_bars
from mmvidext.drawing.probability_plot import plot_probabilities

__all__ = ['RecognitionTask']

_TOP = 5


class RecognitionTask:
    """A recognizer of mmaction2, 2D or 3D, on the page."""

    title = 'Recognition'
    about = 'What happens in the video. The model looks at the latest frames, twice a second.'
    video_title = 'The best classes while the video runs'
    picture_titles: tuple[str, ...] = (
        'Probability of the best classes while the video runs',
        'Motion to the next frame, as MotionSqueeze sees it (hue: direction, as on the wheel; white: not sure)',
    )

    @staticmethod
    def fits(model: dict[str, Any]) -> bool:
        """Whether the model of a config is a recognizer."""
        return 'backbone' in model and 'cls_head' in model

    def __init__(self, config: Config, checkpoint: str | None, *, device: str) -> None:
        self.recognizer = VideoRecognizer(config, checkpoint, device=device)

    def run(self, source: Source, out: Path, on_frame: Callable[[int], Any]) -> View:
        """Recognize a video; draw the running prediction into ``out``."""
        run = self.recognizer.run(source)
        with open_pictures(out, source.frame_rate) as video:
            for frame, latest in run:
                best = best_classes(latest.probabilities, self.recognizer.classes, _TOP) if latest else []
                video.write(draw_bars(frame, best))
                on_frame(run.num_frames)
        prediction = run.result()
        return View(_summary(prediction), out, (_plot(prediction), self._motion(run)))

    def _motion(self, run: RecognitionRun) -> NDArray[np.uint8] | None:
        model = self.recognizer.model
        return draw_motion(*see_motion(model, run.clip())) if sees_motion(model) else None


def _summary(prediction: VideoPrediction) -> str:
    head = (
        f'{counted(prediction.num_frames, "frame")}, {counted(len(prediction.windows), "look")}',
        '',
        '| class | probability |',
        '|---|---:|',
    )
    rows = (f'| {table_cell(name)} | {probability:.1%} |' for name, probability in prediction.top(_TOP))
    return '\n'.join((*head, *rows))


def _plot(prediction: VideoPrediction) -> NDArray[np.uint8]:
    ends = [window.end for window in prediction.windows]
    probabilities = np.stack([window.probabilities for window in prediction.windows])
    return figure_picture(plot_probabilities(ends, probabilities, prediction.classes, count=_TOP))
