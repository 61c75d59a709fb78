"""Recognize what happens in a video, with any recognizer of mmaction2."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from numpy.typing import NDArray

from mmvidext.apis.clip_window import ClipWindow, frames_in
from mmvidext.apis.frame_sources import Frame, Source, open_source
from mmvidext.apis.recognizer_loading import build_recognizer, finite_scores, gives_several_classes
from mmvidext.apis.trained_model import class_names, find_model
from mmvidext.datasets.media.video_file import plausible_rate

__all__ = ['RecognitionRun', 'VideoPrediction', 'VideoRecognizer', 'WindowPrediction', 'best_classes']

MOST_WINDOWS = 10_000  # of a source without end: all of a day take some 100 MB


class WindowPrediction(NamedTuple):
    """The prediction for a piece of a video.

    Attributes:
        begin: Where it begins, in seconds.
        end: Where it ends.
        probabilities: Of each class, ``float32 (num_classes,)``.
    """

    begin: float
    end: float
    probabilities: NDArray[np.float32]


class VideoPrediction(NamedTuple):
    """The prediction for a video.

    Attributes:
        probabilities: Of each class, ``float32 (num_classes,)``: of the one window that holds the whole video, or the
            mean over the windows.
        windows: The predictions while it ran; of a source without end the latest ones, see :class:`RecognitionRun`.
        num_frames: How many frames it has.
        classes: Names.
        problem: Why there are no more frames, where it breaks off and the part before was recognized; else empty.
    """

    probabilities: NDArray[np.float32]
    windows: list[WindowPrediction]
    num_frames: int
    classes: list[str]
    problem: str = ''

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """Return the most probable classes with their probabilities, best first."""
        return best_classes(self.probabilities, self.classes, count)


def best_classes(probabilities: NDArray[np.float32], classes: list[str], count: int = 5) -> list[tuple[str, float]]:
    """Return the most probable classes with their probabilities, best first."""
    order = np.argsort(-probabilities, kind='stable')[:count]
    return [(classes[index], float(probabilities[index])) for index in order]


class VideoRecognizer:
    """Any recognizer of mmaction2, 2D or 3D, on videos, pictures, cameras and addresses.

    A window of the latest frames is prepared as the config's validation pipeline would prepare a video that consists of
    them. So the prediction for a video that is not longer than the window is that of a validation.

    Args:
        model: A work directory, a checkpoint with its config beside it, or a config; see
            :func:`~mmvidext.apis.trained_model.find_model`.
        checkpoint: The weights, where ``model`` is a config. None keeps the random ones.
        device: Where to compute.

    Attributes:
        classes: The names of the classes, from the checkpoint, or else from the config; else ``class 0``, ``class 1``.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If it is no recognizer, or the weights do not fit it.

    Example:
        >>> recognizer = VideoRecognizer('configs/tsm_r18_sthv2.py')  # a second argument: the checkpoint
        >>> len(recognizer.classes)
        174
    """

    def __init__(
        self, model: str | Path | Config, checkpoint: str | Path | None = None, *, device: str = 'cpu'
    ) -> None:
        if not isinstance(model, Config):
            found = find_model(model, checkpoint)
            model, checkpoint = Config.fromfile(found.config), found.checkpoint
        self.config = model
        self.model = build_recognizer(model, checkpoint).to(device).eval()
        self.classes = class_names(self.model, model, self.model.cls_head.num_classes)
        self._activation = _activation(self.model.cls_head)

    def __call__(self, source: str | Path | Source, *, window: float | None = None) -> VideoPrediction:
        """Recognize a video, or whatever else :func:`~mmvidext.apis.frame_sources.open_source` opens.

        Args:
            source: What to look at.
            window: Seconds to look at at once; see :class:`~mmvidext.apis.clip_window.ClipWindow`.

        Raises:
            FileNotFoundError: If there is nothing of that name.
            ValueError: If it cannot be read, has no frame, or has scores that are not finite.
        """
        run = self.run(source if isinstance(source, Source) else open_source(source), window=window)
        for _ in run:
            pass
        return run.result()

    def run(self, source: Source, *, window: float | None = None, stride: float = 0.5) -> 'RecognitionRun':
        """Return an iterator over the frames with the running prediction, see :class:`RecognitionRun`."""
        return RecognitionRun(self, source, window=window, stride=stride)

    @torch.inference_mode()
    def probabilities(self, window: ClipWindow) -> NDArray[np.float32]:
        """Return the probability of each class in the frames of a window, ``float32 (num_classes,)``.

        Raises:
            ValueError: If one is not finite.
        """
        packed = window.clip()
        data = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
        scores = self.model.test_step(data)[0].pred_score.float()
        if self._activation == 'sigmoid':
            scores = scores.sigmoid()
        elif self._activation == 'softmax':
            scores = scores.softmax(-1)
        return finite_scores(scores)


class RecognitionRun:
    """Goes through a source: each step gives a frame and the latest prediction, None until there is one.

    Args:
        recognizer: The model.
        source: Frames.
        window: Seconds to look at at once.
        stride: Seconds between predictions.

    Attributes:
        windows: The predictions so far; of a source without end the latest 10,000 at least, and 20,000 at most.
        num_frames: The frames so far.

    Raises:
        ValueError: If window or stride is not positive and finite; while going through, if a frame cannot be read, or
            scores are not finite.
    """

    def __init__(
        self, recognizer: VideoRecognizer, source: Source, *, window: float | None = None, stride: float = 0.5
    ) -> None:
        self._recognizer, self._source = recognizer, source
        self._rate = plausible_rate(source.frame_rate)
        self._window = ClipWindow(recognizer.config, self._rate, seconds=window)
        self._stride = frames_in(stride, self._rate, name='stride')
        self.windows: list[WindowPrediction] = []
        self.num_frames = 0
        self._covered = 0
        self._is_endless = not source.num_frames and not source.files
        self._num_full, self._total = 0, np.zeros(len(recognizer.classes))  # over the windows of full length

    def __iter__(self) -> Iterator[tuple[Frame, WindowPrediction | None]]:
        for frame in self._source.frames:
            self._window.push(frame)
            self.num_frames += 1
            if self.num_frames % self._stride == 0 or self.num_frames == self._source.num_frames:
                self._predict()
            yield frame, self.windows[-1] if self.windows else None

    def _predict(self) -> None:
        rate, end = self._rate, self.num_frames
        probabilities = self._recognizer.probabilities(self._window)
        self.windows.append(WindowPrediction((end - len(self._window)) / rate, end / rate, probabilities))
        self._covered = end
        if len(self._window) == self._window.length:
            self._num_full += 1
            self._total += probabilities
        if self._is_endless and len(self.windows) >= 2 * MOST_WINDOWS:
            del self.windows[:-MOST_WINDOWS]

    def clip(self) -> dict[str, Any]:
        """Return what the model looks at after the frames so far: ``inputs`` and ``data_samples``, as packed."""
        return self._window.clip()

    def result(self) -> VideoPrediction:
        """Return the prediction for all frames so far.

        Raises:
            ValueError: If there was none.
        """
        if not self.num_frames:
            raise ValueError('the source has no frame')
        if self._covered < self.num_frames:
            self._predict()
        scores = self.windows[-1].probabilities
        if self._num_full:
            scores = (self._total / self._num_full).astype(np.float32)
        return VideoPrediction(scores, self.windows, self.num_frames, self._recognizer.classes)


def _activation(head: Any) -> str:
    """Return what makes probabilities of a head's scores, and let it average the clips of a video."""
    if gives_several_classes(head):
        head.average_clips = 'score'
        return 'sigmoid'
    if getattr(head, 'average_clips', None) is None:
        head.average_clips = 'prob'
    return 'softmax' if head.average_clips == 'score' else 'none'
