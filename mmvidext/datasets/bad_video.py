"""What a data set does about videos that cannot be read: replace a few in training, never in a test."""

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmaction.datasets import BaseActionDataset
from mmengine.logging import print_log

from mmvidext.datasets.container import file_problem

__all__ = ['BadVideoError', 'BadVideoPolicy']

_MOST_LISTED = 20


class BadVideoError(RuntimeError):
    """A video cannot be read; the message names it."""


def _reading_errors() -> tuple[type[Exception], ...]:
    """Return what the installed decoders raise on a bad file, and what storage raises."""
    errors: list[type[Exception]] = [OSError, RuntimeError, IndexError, cv2.error]
    try:
        from decord import DECORDError

        errors.append(DECORDError)
    except ImportError:
        pass
    try:
        from av.error import FFmpegError

        errors.append(FFmpegError)
    except ImportError:
        pass
    return tuple(errors)


class BadVideoPolicy(BaseActionDataset):
    """Base of data sets that survive a few bad videos in training.

    In training, a video that is missing, empty, truncated or not a video is replaced by another one, chosen by a
    generator that depends only on ``replacement_seed`` and the index, so that two runs see the same. Each bad video is
    counted and logged once, also across worker processes (forked or spawned); every rank of a distributed training
    counts for itself. In test mode it is an error.

    Only errors from opening and decoding count, that is until the pipeline has put ``imgs`` into its results: an error
    in a later transform is never taken for a bad video.

    Args:
        *args: Passed on to the data set this is mixed into.
        max_bad_videos: More bad videos than this stop the training.
        replacement_seed: Of the generator that chooses replacements.
        **kwargs: Passed on.

    Raises:
        ValueError: If ``max_bad_videos`` is negative.
    """

    path_key = 'filename'  # where the annotation holds the path

    def __init__(self, *args: Any, max_bad_videos: int = 100, replacement_seed: int = 0, **kwargs: Any) -> None:
        if max_bad_videos < 0:
            raise ValueError(f'max_bad_videos must be 0 or more, but is {max_bad_videos}')
        self.max_bad_videos = max_bad_videos
        self.replacement_seed = replacement_seed
        self._is_bad = torch.zeros(0, dtype=torch.bool)
        super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        """Load the annotations, see mmengine's ``BaseDataset``."""
        super().full_init()
        if len(self._is_bad) != len(self):
            # shared, so that what one worker finds the others and the next epoch know
            self._is_bad = torch.zeros(len(self), dtype=torch.bool).share_memory_()

    def prepare_data(self, idx: int) -> Any:
        """Read one video and run the pipeline on it; in training, replace it if it is bad.

        Args:
            idx: Index of the video.

        Raises:
            BadVideoError: In test mode, if it cannot be read; in training, if more than ``max_bad_videos`` cannot.
        """
        if self.test_mode:
            return self._read(idx)
        if len(self._is_bad) != len(self):  # a subset was taken
            self._is_bad = torch.zeros(len(self), dtype=torch.bool)
        generator = np.random.default_rng([self.replacement_seed, idx])
        candidate = idx
        while True:
            if not self._is_bad[candidate]:
                try:
                    return self._read(candidate)
                except BadVideoError as error:
                    self._count(candidate, error)
            candidate = int(generator.integers(len(self)))

    def _read(self, idx: int) -> Any:
        results: Any = self.get_data_info(idx)
        path = results[self.path_key]
        self._check_files(results)
        for transform in self.pipeline.transforms:
            is_reading = 'imgs' not in results
            try:
                results = transform(results)
            except _reading_errors() as error:
                if not is_reading:
                    raise
                raise BadVideoError(f'{path} cannot be read: {error}') from error
            if results is None:
                return None
        return results

    def _check_files(self, results: dict[str, Any]) -> None:
        """Find what a decoder would read over; only local files can be looked at."""
        path = results[self.path_key]
        problem = None if '://' in path else file_problem(Path(path))
        if problem is not None:
            raise BadVideoError(f'{path} {problem}')

    def _count(self, idx: int, error: BadVideoError) -> None:
        self._is_bad[idx] = True
        bad = torch.nonzero(self._is_bad).flatten().tolist()
        if len(bad) > self.max_bad_videos or len(bad) == len(self):
            paths = [self.get_data_info(index)[self.path_key] for index in bad[:_MOST_LISTED]]
            rest = [f'and {len(bad) - _MOST_LISTED} more'] if len(bad) > _MOST_LISTED else []
            raise BadVideoError(
                f'{len(bad)} of {len(self)} videos cannot be read, and max_bad_videos is {self.max_bad_videos}. Repair '
                'or unlist them, or raise max_bad_videos:\n  ' + '\n  '.join([*paths, *rest])
            ) from error
        print_log(
            f'bad video {len(bad)} (max_bad_videos is {self.max_bad_videos}), replaced by another: {error}',
            logger='current',
            level=logging.WARNING,
        )
