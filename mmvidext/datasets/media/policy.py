"""What a data set does about videos that cannot be read: replace a few in training, never in a test."""

import logging
from collections import Counter
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
from av import FFmpegError
from mmaction.datasets import BaseActionDataset
from mmengine.logging import print_log

from mmvidext.datasets.media.files import file_problem, is_local
from mmvidext.datasets.media.video_file import BadVideoError

__all__ = ['BadVideoPolicy']

_MOST_LISTED = 20


def _reading_errors() -> tuple[type[Exception], ...]:
    """Return what the installed decoders raise on a bad file, and what storage raises."""
    # OpenCV gives nonsense numbers of frames, from which the samplers then make ValueError and OverflowError
    errors: list[type[Exception]] = [OSError, RuntimeError, LookupError, ValueError, ArithmeticError, cv2.error]
    try:
        from decord import DECORDError

        errors.append(DECORDError)
    except ImportError:
        pass
    return (*errors, FFmpegError)


class BadVideoPolicy(BaseActionDataset):
    """Base of data sets that survive a few bad videos in training.

    In training, a video that cannot be read is replaced by another one, chosen by a generator that depends only on
    ``replacement_seed`` and the index, so that two runs see the same. Each bad video is counted and logged once, also
    across worker processes (forked or spawned); every rank of a distributed training counts for itself. In test mode it
    is an error.

    Only errors from opening and decoding count, that is until the pipeline has put ``imgs`` into its results: an error
    in a later transform is never taken for a bad video.

    Args:
        *args: Passed on to the data set this is mixed into.
        max_bad_fraction: The training stops when a larger fraction of the videos is bad. One bad video is always
            allowed.
        max_bad_fraction_per_class: The same for the videos of each class; one is allowed, unless it is the only one.
        replacement_seed: Of the generator that chooses replacements.
        **kwargs: Passed on.

    Raises:
        ValueError: If a fraction is not in [0, 1].
    """

    path_key = 'filename'  # where the annotation holds the path

    def __init__(
        self,
        *args: Any,
        max_bad_fraction: float = 0.01,
        max_bad_fraction_per_class: float = 0.1,
        replacement_seed: int = 0,
        **kwargs: Any,
    ) -> None:
        fractions = dict(max_bad_fraction=max_bad_fraction, max_bad_fraction_per_class=max_bad_fraction_per_class)
        for name, value in fractions.items():
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must be in [0, 1], but is {value}')
        self.max_bad_fraction = max_bad_fraction
        self.max_bad_fraction_per_class = max_bad_fraction_per_class
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
            BadVideoError: In test mode, if it cannot be read; in training, if too many cannot.
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

    def bad_paths(self) -> list[str]:
        """Return the paths of the bad videos that this process and its workers have found."""
        return [self.get_data_info(index)[self.path_key] for index in torch.nonzero(self._is_bad).flatten().tolist()]

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the labels of one video, for mmengine's ``ClassBalancedDataset``."""
        label = self.get_data_info(idx)['label']
        return torch.nonzero(label).flatten().tolist() if self.multi_class else [int(label)]

    @cached_property
    def _class_sizes(self) -> Counter[int]:
        return Counter(label for index in range(len(self)) for label in self.get_cat_ids(index))

    def _read(self, idx: int) -> Any:
        results: Any = self.get_data_info(idx)
        path = results[self.path_key]
        for transform in self.pipeline.transforms:
            is_reading = 'imgs' not in results
            if is_reading:
                self._check_files(results)
            try:
                results = transform(results)
            except BadVideoError:
                raise
            except _reading_errors() as error:
                if not is_reading:
                    raise
                raise BadVideoError(f'{path} cannot be read: {error}{self._advice(path)}') from error
            if results is None:
                return None
        if 'data_samples' in results:
            results['data_samples'].set_metainfo({self.path_key: path})  # for whoever reports on a batch
        return results

    def _check_files(self, results: dict[str, Any]) -> None:
        """Raise BadVideoError for a local file that a decoder must not open: a FIFO would never end."""
        path = results[self.path_key]
        if is_local(path) and (problem := file_problem(path)):
            raise BadVideoError(f'{path} {problem}')

    def _advice(self, path: str) -> str:
        """What else could be done about a file that the pipeline cannot read, as the end of a message."""
        return ''

    def _count(self, idx: int, error: BadVideoError) -> None:
        self._is_bad[idx] = True
        bad = torch.nonzero(self._is_bad).flatten().tolist()
        if excess := self._excess(bad):
            paths = [str(error), *(path for path in self.bad_paths() if not str(error).startswith(path))]
            rest = [f'and {len(paths) - _MOST_LISTED} more'] if len(paths) > _MOST_LISTED else []
            raise BadVideoError(
                f'{excess}. Repair or unlist them, or raise the limit:\n  '
                + '\n  '.join([*paths[:_MOST_LISTED], *rest])
            ) from error
        print_log(f'bad video {len(bad)} of {len(self)}, replaced: {error}', logger='current', level=logging.WARNING)

    def _excess(self, bad: list[int]) -> str:
        """Say which limit the bad videos exceed, if any."""
        if len(bad) == len(self) or len(bad) > max(1, self.max_bad_fraction * len(self)):
            limit = f'max_bad_fraction is {self.max_bad_fraction}'
            return f'{len(bad)} of {len(self)} videos cannot be read, and {limit}'
        for label, count in Counter(label for index in bad for label in self.get_cat_ids(index)).items():
            size = self._class_sizes[label]
            if count == size or count > max(1, self.max_bad_fraction_per_class * size):
                limit = f'max_bad_fraction_per_class is {self.max_bad_fraction_per_class}'
                return f'{count} of {size} videos of class {label} cannot be read, and {limit}'
        return ''
