"""Draw what a recognizer says of the clips of a validation or test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.dist import get_dist_info
from mmengine.hooks import Hook
from mmengine.runner import Runner
from numpy.typing import NDArray
from torch import Tensor

from mmvidext.engine.run_error import RunError
from mmvidext.registry import HOOKS

__all__ = ['VisualizationHook']

_BAR = 16  # pixels of the line of text above the frames


@HOOKS.register_module()
class VisualizationHook(Hook):
    """A picture for every so many clips: its frames side by side, the true class and the predicted one above them.

    In the place of mmaction2's hook of this name, which fails in version 1.2.0: it gives its visualizer an argument
    that this does not take (``show``), turns the frames of a 2D recognizer as if they were clips of a 3D one, and the
    visualizer looks for labels under names that they no longer have.

    Args:
        out_dir: Where the pictures go, ``NUMBER_CLIP_STEP.png``: the clip's place in the data set, the name of its
            video or folder, and the epoch. None gives them to the run's visualizer.
        enable: Whether to draw at all.
        interval: Draw one of so many clips.

    Raises:
        ValueError: If ``interval`` is below 1.
    """

    def __init__(self, out_dir: str | None = None, *, enable: bool = True, interval: int = 1) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, but is {interval}')
        self.out_dir = out_dir
        self.enable = enable
        self.interval = interval
        self._seen = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Count from the first clip."""
        self._seen = 0

    def before_test_epoch(self, runner: Runner) -> None:
        """Count from the first clip."""
        self._seen = 0

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[Any] | None = None
    ) -> None:
        """Draw the clips of a batch."""
        if self.enable and outputs:
            self._draw(runner, 'val', self._step(runner), data_batch, outputs)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[Any] | None = None
    ) -> None:
        """Draw the clips of a batch."""
        if self.enable and outputs:
            self._draw(runner, 'test', 0, data_batch, outputs)

    def _draw(self, runner: Runner, split: str, step: int, data_batch: Any, outputs: Sequence[Any]) -> None:
        rank, world_size = get_dist_info()
        for clip, sample in zip(data_batch['inputs'], outputs, strict=True):
            number = self._seen * world_size + rank  # the processes take turns
            self._seen += 1
            if number % self.interval == 0:
                picture = self._picture(runner, split, clip, sample)
                self._put(runner, self._name(sample, number), picture, step)

    def _step(self, runner: Runner) -> int:
        return runner.epoch

    def _name(self, sample: Any, number: int) -> str:
        clip = Path(sample.get('filename', '')).stem or Path(sample.get('frame_dir', 'clip')).name
        return f'{number:06d}_{clip}'

    def _picture(self, runner: Runner, split: str, clip: Tensor, sample: Any) -> NDArray[np.uint8]:
        return _frames_under_text(clip, sample)

    def _file(self, name: str, step: int) -> str:
        return f'{name}_{step}.png'

    def _put(self, runner: Runner, name: str, picture: NDArray[np.uint8], step: int) -> None:
        if self.out_dir is None:
            runner.visualizer.add_image(name, picture, step)
            return
        path = Path(self.out_dir, self._file(name, step))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode('.png', picture[..., ::-1])[1].tobytes())
        except OSError as error:
            raise RunError(f'{path} cannot be written: {error.strerror}') from error


def _frames_under_text(inputs: Tensor, sample: Any) -> NDArray[np.uint8]:
    """Draw the frames of ``(T, 3, H, W)``, or of the first view of ``(views, 3, T, H, W)``, RGB from 0 to 255."""
    frames = inputs.permute(0, 2, 3, 1) if inputs.ndim == 4 else inputs[0].permute(1, 2, 3, 0)
    picture = np.hstack(list(frames.cpu().byte().numpy()))
    bar = np.zeros((_BAR, *picture.shape[1:]), np.uint8)
    scores = sample.pred_score
    true = ', '.join(map(str, np.atleast_1d(sample.gt_label.cpu()).tolist())) if 'gt_label' in sample else 'not known'
    text = f'true {true}, predicted {int(scores.argmax())}: {float(scores.max()):.2f}'
    cv2.putText(bar, text, (2, _BAR - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255))
    return np.vstack((bar, picture))
