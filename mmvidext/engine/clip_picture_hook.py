"""Show what a recognizer saw, and what it took it for: ``--show-dir`` of the test commands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.runner import Runner
from numpy.typing import NDArray
from torch import Tensor

from mmvidext.drawing.pictures import draw_bars
from mmvidext.engine.visualization_hook import VisualizationHook
from mmvidext.registry import HOOKS

__all__ = ['ClipPictureHook']

_MOST_FRAMES = 8


@HOOKS.register_module()
class ClipPictureHook(VisualizationHook):
    """Draw the frames of clips side by side, with the best classes as bars, in validation and test.

    A :class:`~mmvidext.engine.VisualizationHook` with names, for people: at most 8 frames of all views, enlarged until
    text can be read. The pictures go to ``out_dir``, or else to the visualizer's backends (files, TensorBoard, W&B).

    Args:
        enable: Whether to draw at all.
        interval: Draw every so many clips.
        show: Show the pictures in a window.
        wait_time: Seconds for which a picture is shown.
        out_dir: Folder for the pictures, ``NUMBER_CLIP.png``.

    Raises:
        ValueError: If the interval is below 1.
    """

    def __init__(
        self,
        *,
        enable: bool = False,
        interval: int = 1,
        show: bool = False,
        wait_time: float = 0.0,
        out_dir: str | None = None,
    ) -> None:
        super().__init__(out_dir, enable=enable, interval=interval)
        self.show, self.wait_time = show, wait_time

    def _step(self, runner: Runner) -> int:
        return runner.iter

    def _file(self, name: str, step: int) -> str:
        return f'{name}.png'

    def _picture(self, runner: Runner, split: str, clip: Tensor, sample: Any) -> NDArray[np.uint8]:
        dataset = getattr(runner, f'{split}_dataloader').dataset
        return _with_prediction(_frames_beside(clip), sample, getattr(dataset, 'metainfo', {}).get('classes'))

    def _put(self, runner: Runner, name: str, picture: NDArray[np.uint8], step: int) -> None:
        if self.show:
            runner.visualizer.show(picture, win_name=name, wait_time=self.wait_time)
        else:
            super()._put(runner, name, picture, step)


def _frames_beside(clip: Tensor) -> NDArray[np.uint8]:
    """Return frames ``(M, 3, H, W)`` or clips ``(M, 3, T, H, W)``, spread evenly, as one picture, RGB ``uint8``."""
    frames = clip.transpose(1, 2).flatten(0, 1) if clip.ndim == 5 else clip
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), _MOST_FRAMES)).round().astype(int)
    pictures = frames[chosen.tolist()].permute(0, 2, 3, 1).cpu().numpy()
    return np.ascontiguousarray(np.hstack(list(pictures)), np.uint8)


def _with_prediction(picture: NDArray[np.uint8], sample: Any, names: Sequence[str] | None) -> NDArray[np.uint8]:
    """Put the scores, as probabilities, and the label above a picture."""
    scores = sample.pred_score.float().flatten()
    if scores.min() < 0 or scores.max() > 1 or abs(float(scores.sum()) - 1) > 1e-3:  # a head that gives logits
        scores = scores.softmax(-1)
    best = scores.argsort(descending=True)[:3].tolist()

    def name(label: int) -> str:
        return names[label] if names else f'class {label}'

    labels = [int(label) for label in sample.gt_label.flatten()] if 'gt_label' in sample else []
    note = f'label: {", ".join(name(label) for label in labels)}' if labels and labels[0] >= 0 else ''
    above = np.zeros((max(60, picture.shape[0] // 2), *picture.shape[1:]), np.uint8)
    bars = draw_bars(above, [(name(label), float(scores[label])) for label in best], note=note)
    times = bars.shape[1] // picture.shape[1]
    return np.vstack((bars, picture.repeat(times, 0).repeat(times, 1)))
