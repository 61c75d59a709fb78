"""The objects of a frame, and the file that those of a stream are written to."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

__all__ = ['BoxFile', 'Detections']


class Detections(NamedTuple):
    """The objects of a frame, the one with the greatest score first.

    Attributes:
        boxes: ``float32 (K, 4)``: ``x1, y1, x2, y2`` in pixels of the frame.
        labels: ``int64 (K,)``, their classes.
        scores: ``float32 (K,)``.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    def above(self, score: float) -> 'Detections':
        """Return those whose score is at least this."""
        kept = self.scores >= score
        return Detections(self.boxes[kept], self.labels[kept], self.scores[kept])


class BoxFile:
    """The objects of frames as JSON lines, written as they come.

    ``{"frame": 1, "is_key_frame": true, "objects": [{"class": "car", "score": 0.9, "box": [x1, y1, x2, y2]}]}``, frames
    from 1 on, boxes in pixels of the frame, the greatest score first.

    Args:
        path: The file.
        classes: Names of the classes.

    Raises:
        OSError: If the file cannot be written.
    """

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        self.path = path
        self._classes = classes
        self._count = 0
        self._file = path.open('w', encoding='utf-8')

    def __enter__(self) -> 'BoxFile':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as problem:
            if error is None:
                raise self._failure(problem) from problem

    def write(self, record: tuple[Detections, bool]) -> None:
        """Add the objects of the next frame, and whether it was a key frame."""
        found, is_key_frame = record
        self._count += 1
        objects = [
            {
                'class': self._classes[label],
                'score': float(f'{score:.6g}'),
                'box': [round(float(value), 2) for value in box],
            }
            for box, label, score in zip(*found, strict=True)
        ]
        line = {'frame': self._count, 'is_key_frame': is_key_frame, 'objects': objects}
        try:
            self._file.write(json.dumps(line, ensure_ascii=False) + '\n')
            self._file.flush()
        except OSError as problem:
            raise self._failure(problem) from problem

    def _failure(self, problem: OSError) -> OSError:
        return OSError(f'{self.path} cannot be written: {problem.strerror}')
