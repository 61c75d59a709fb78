"""Detection on the page: boxes with classes and scores over the frames, and marked key frames."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.config import Config

from mmvidext.apis.frame_sources import Source
from mmvidext.app.view import View, counted, counted_frames, is_of_type, table_cell

__all__ = ['DetectionTask']

_SCORE = 0.3  # least one of what is shown, as in mmvidext detect
_ROWS = 10  # classes in the table


class DetectionTask:
    """Deep Feature Flow around a detector on the page.

    Raises:
        ImportError: If mmdet is not installed.
    """

    title = 'Detection'
    about = (
        f'The objects of each frame with a score of {_SCORE} or more. The whole network runs on key frames, which have '
        'a **yellow border**; between them a flow network carries the features on.'
    )
    video_title = 'Objects with their classes and scores; key frames have a yellow border'
    picture_titles: tuple[str, ...] = ()

    @staticmethod
    def fits(model: dict[str, Any]) -> bool:
        """Whether the model of a config is Deep Feature Flow around a detector."""
        return is_of_type(model, 'DeepFeatureFlowDetector')

    def __init__(self, config: Config, checkpoint: str | None, *, device: str) -> None:
        from mmvidext.apis.video_detector import VideoDetector

        self.detector = VideoDetector(config, checkpoint, device=device)

    def run(self, source: Source, out: Path, on_frame: Callable[[int], Any]) -> View:
        """Find the objects of a video; draw them into ``out``."""
        with TemporaryDirectory() as folder:
            boxes = Path(folder) / 'boxes.jsonl'
            report = self.detector.detect_video(
                source, out, box_file=boxes, score=_SCORE, on_frame=lambda number, _: on_frame(number)
            )
            table = _table(boxes.read_text(encoding='utf-8').splitlines())
        return View(f'{counted_frames(report.num_frames, report.num_key_frames)}\n\n{table}', out)


def _table(lines: Iterable[str]) -> str:
    """Return in how many frames each class is, and its best score, as Markdown."""
    best: dict[str, list[float]] = {}  # class to its best score in each frame that has it
    for line in lines:
        found: dict[str, float] = {}
        for one in json.loads(line)['objects']:
            found[one['class']] = max(one['score'], found.get(one['class'], 0.0))
        for name, score in found.items():
            best.setdefault(name, []).append(score)
    if not best:
        return f'nothing has a score of {_SCORE} or more'
    ranked = sorted(best.items(), key=lambda item: (len(item[1]), max(item[1])), reverse=True)
    rows = [f'| {table_cell(name)} | {len(scores)} | {max(scores):.2f} |' for name, scores in ranked[:_ROWS]]
    left = f'\n\nand {counted(len(ranked) - _ROWS, "class", "classes")} more' if len(ranked) > _ROWS else ''
    return '\n'.join(('| class | frames | best score |', '|---|---:|---:|', *rows)) + left
