"""Write the scores of each frame to a JSON or CSV file."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from mmvidext.cli.prediction_file import BYTE_ORDER_MARK, cell_of_name

__all__ = ['ScoreFile']


class ScoreFile:
    """Scores of frames, written as they come.

    ``.csv``: a line of ``frame`` and the class names (see :func:`~mmvidext.cli.prediction_file.cell_of_name`), then a
    line for each frame, in UTF-8 with the byte order mark that Excel wants. ``.json``: ``{"classes": [...], "frames":
    [{"frame": 1, "scores": [...]}, ...]}``.

    Args:
        path: The file, ``.csv`` or ``.json``.
        classes: Names of the classes.

    Raises:
        OSError: If the file cannot be written.
    """

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        self.path = path
        self._classes = list(classes)
        self._is_csv = path.suffix == '.csv'
        self._count = 0
        self._file = path.open('w', encoding='utf-8', newline='')

    def __enter__(self) -> 'ScoreFile':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._file:
                if not self._is_csv:
                    self._file.write('\n]}\n' if self._count else '{"classes": [], "frames": []}\n')
        except OSError as problem:
            if error is None:
                raise self._failure(problem) from problem

    def write(self, frame: int, scores: NDArray[np.float32]) -> None:
        """Add the scores ``(num_classes,)`` of a frame, by its number from 1 on."""
        values = [float(f'{score:.6g}') for score in scores]
        try:
            if self._count == 0:
                self._write_header()
            if self._is_csv:
                csv.writer(self._file).writerow([frame, *values])
            else:
                self._file.write(
                    (',\n' if self._count else '\n') + json.dumps({'frame': frame, 'scores': values}, allow_nan=False)
                )
            self._file.flush()
        except OSError as problem:
            raise self._failure(problem) from problem
        self._count += 1

    def _write_header(self) -> None:
        if self._is_csv:
            self._file.write(BYTE_ORDER_MARK)
            csv.writer(self._file).writerow(['frame', *map(cell_of_name, self._classes)])
        else:
            self._file.write(f'{{"classes": {json.dumps(self._classes, ensure_ascii=False)}, "frames": [')

    def _failure(self, problem: OSError) -> OSError:
        return OSError(f'{self.path} cannot be written: {problem.strerror}')
