"""What a data set does about files that cannot be read: replace a few in training, never in a test."""

import errno
import logging
import os
import secrets
import tempfile
import weakref
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from av import FFmpegError
from mmengine.dataset import BaseDataset, Compose
from mmengine.logging import print_log

from mmvidext.datasets.media.files import BadFileError, file_problem, is_local
from mmvidext.datasets.media.limits import within
from mmvidext.datasets.printable import printable
from mmvidext.generators import generator_states, set_generator_states

__all__ = ['BadFilePolicy']

_MOST_LISTED = 20


def _reading_errors() -> tuple[type[Exception], ...]:
    """Return what the installed decoders raise on a bad file, and what storage raises."""
    # OpenCV gives nonsense numbers of frames, from which the samplers then make ValueError and OverflowError;
    # mmcv hands a picture that OpenCV cannot decode on as None (AttributeError, TypeError), or asserts that it is none;
    # SyntaxError is Pillow's
    errors: list[type[Exception]] = [OSError, RuntimeError, LookupError, ValueError, ArithmeticError, cv2.error]
    errors += [AssertionError, AttributeError, TypeError, SyntaxError, MemoryError]
    try:
        from decord import DECORDError

        errors.append(DECORDError)
    except ImportError:
        pass
    return (*errors, FFmpegError)


class BadFilePolicy(BaseDataset):
    """Base of data sets that survive a few bad files in training.

    In training, a sample that cannot be read is replaced by another one, chosen by a generator that depends only on
    ``replacement_seed`` and the index, so that two runs see the same. Each bad sample is counted and logged once, also
    across worker processes (forked or spawned); every rank of a distributed training counts for itself.
    :class:`~mmvidext.engine.BadFilesHook` lists them in the work directory. In test mode a bad file is an error.

    Only errors from opening and decoding count, see :meth:`is_reading`: an error in a later transform is never taken
    for a bad file.

    Args:
        *args: Passed on to the data set this is mixed into.
        max_bad_fraction: The training stops when a larger fraction of the samples is bad. One bad sample is always
            allowed.
        max_bad_fraction_per_class: The same for the videos of each class; one is allowed, unless it is the only one.
        time_limit: Seconds after which a sample counts as bad, in training and in test.
        replacement_seed: Of the generator that chooses replacements.
        **kwargs: Passed on.

    Raises:
        ValueError: If a fraction is not in [0, 1], or the time limit is not positive.
    """

    path_key = 'filename'  # where the annotation holds the path
    what = 'videos'  # for messages
    replaces_bad = True  # in training

    def __init__(
        self,
        *args: Any,
        max_bad_fraction: float = 0.01,
        max_bad_fraction_per_class: float = 0.1,
        time_limit: float = 120.0,
        replacement_seed: int = 0,
        **kwargs: Any,
    ) -> None:
        fractions = dict(max_bad_fraction=max_bad_fraction, max_bad_fraction_per_class=max_bad_fraction_per_class)
        for name, value in fractions.items():
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must be in [0, 1], but is {value}')
        if not time_limit > 0:
            raise ValueError(f'time_limit must be a number of seconds above 0, but is {time_limit}')
        self.max_bad_fraction = max_bad_fraction
        self.max_bad_fraction_per_class = max_bad_fraction_per_class
        self.time_limit = time_limit
        self.replacement_seed = replacement_seed
        self._is_bad = torch.zeros(0, dtype=torch.bool)
        # what workers find reaches the main process, and a run that resumes, as lines of this file
        self._notes = Path(tempfile.gettempdir(), f'mmvidext-bad-files-{secrets.token_hex(8)}')
        self._reasons: dict[str, str] = {}  # that were read from it
        weakref.finalize(self, _remove, self._notes, os.getpid())
        super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        """Load the annotations, see mmengine's ``BaseDataset``."""
        super().full_init()
        if len(self._is_bad) != len(self):
            # shared, so that what one worker finds the others and the next epoch know
            self._is_bad = torch.zeros(len(self), dtype=torch.bool).share_memory_()

    def prepare_data(self, idx: int) -> Any:
        """Read one sample and run the pipeline on it; in training, replace it if it is bad.

        Args:
            idx: Index of the sample.

        Raises:
            BadFileError: In test mode, if it cannot be read; in training, if too many cannot.
        """
        if self.test_mode or not self.replaces_bad:
            return self._read_in_time(idx)
        if len(self._is_bad) != len(self):  # a subset was taken
            self._is_bad = torch.zeros(len(self), dtype=torch.bool)
        generator = np.random.default_rng([self.replacement_seed, idx])
        states = generator_states()  # a resumed run, which knows the bad ones before, must draw the same
        candidate = idx
        while True:
            if not self._is_bad[candidate]:
                try:
                    return self._read_in_time(candidate)
                except BadFileError as error:
                    self._count(candidate, error)
                    set_generator_states(states)
            candidate = int(generator.integers(len(self)))

    def bad_paths(self) -> list[str]:
        """Return the paths of the bad samples that this process and its workers have found."""
        return [self._path(index) for index in torch.nonzero(self._is_bad).flatten().tolist()]

    @property
    def num_bad(self) -> int:
        """How many bad samples this process and its workers have found."""
        return int(self._is_bad.sum())

    def bad_files(self) -> dict[str, str]:
        """Return path and reason of the bad samples that this process and its workers have found."""
        lines = self._notes.read_text(encoding='utf-8').splitlines() if self._notes.exists() else []
        self._reasons |= dict(line.split('\t', 1) for line in lines if '\t' in line)  # one may have been cut off
        # the temporary folder may have been full, or emptied by the system
        unknown = f'cannot be read; {self._notes}, which said why, was removed or could not be written'
        return dict(sorted((dict.fromkeys(map(printable, self.bad_paths()), unknown) | self._reasons).items()))

    def remember(self, bad_files: dict[str, str]) -> None:
        """Take samples for bad without reading them: those that an earlier run has found.

        Args:
            bad_files: Paths and reasons, as of :meth:`bad_files`; paths that are not in this data set are skipped.

        Raises:
            BadFileError: If they are too many.
        """
        for index in range(len(self) if bad_files else 0):
            path = printable(self._path(index))
            if path in bad_files:
                self._is_bad[index] = True
                self._note(path, bad_files[path])
        if excess := self._excess(torch.nonzero(self._is_bad).flatten().tolist()):
            raise BadFileError(f'{excess}. Repair them and delete their lines in bad_files.txt, or raise the limit')

    def is_reading(self, transform: Any, results: dict[str, Any]) -> bool:
        """Whether an error in a transform tells of a bad file: by default until ``imgs`` is in the results."""
        return 'imgs' not in results

    def files(self, results: dict[str, Any]) -> list[str]:
        """Return the files of a sample, which are looked at before a transform opens them."""
        return [results[self.path_key]]

    def _labels(self, idx: int) -> list[int]:
        """Return the classes of one sample: none, where it has no label."""
        return []

    @cached_property
    def _class_sizes(self) -> Counter[int]:
        return Counter(label for index in range(len(self)) for label in self._labels(index))

    def _path(self, idx: int) -> str:
        return str(self.get_data_info(idx)[self.path_key])

    def _read_in_time(self, idx: int) -> Any:
        path = self._path(idx)
        return within(self.time_limit, lambda: self._read(idx), name=path)

    def _read(self, idx: int) -> Any:
        results: Any = self.get_data_info(idx)
        path = results[self.path_key]
        # a pipeline of another class watches its own steps, as that of mmaction2's browse_dataset does
        for transform in self.pipeline.transforms if type(self.pipeline) is Compose else [self.pipeline]:
            is_reading = self.is_reading(transform, results)
            if is_reading:
                self._check_files(results)
            try:
                results = transform(results)
            except BadFileError:
                raise
            except _reading_errors() as error:
                if not is_reading:
                    raise
                text = str(error)
                files = [value for key, value in results.items() if key.endswith('_path') and isinstance(value, str)]
                is_named = any(file in text for file in (path, *files))  # a sample has several files
                named = text if is_named else f'{path} cannot be read: {text or type(error).__name__}'
                raise BadFileError(f'{named}{self._advice(path)}') from error
            if results is None:
                return None
        samples = results.get('data_samples', [])
        for sample in samples if isinstance(samples, list) else [samples]:  # test-time augmentation has several
            sample.set_metainfo({self.path_key: path})  # for whoever reports on a batch
        return results

    def _check_files(self, results: dict[str, Any]) -> None:
        """Raise BadFileError for a local file that a decoder must not open: a FIFO would never end."""
        for path in self.files(results):
            if is_local(path) and (problem := file_problem(path)):
                raise BadFileError(f'{path} {problem}')

    def _advice(self, path: str) -> str:
        """What else could be done about a file that the pipeline cannot read, as the end of a message."""
        return ''

    def _count(self, idx: int, error: BadFileError) -> None:
        self._note(self._path(idx), str(error))
        self._is_bad[idx] = True  # after the note: who sees the one finds the other
        bad = torch.nonzero(self._is_bad).flatten().tolist()
        if excess := self._excess(bad):
            own = printable(self._path(idx))
            paths = [str(error), *(reason for path, reason in self.bad_files().items() if path != own)]
            rest = [f'and {len(paths) - _MOST_LISTED} more'] if len(paths) > _MOST_LISTED else []
            raise BadFileError(
                f'{excess}. Repair or unlist them, or raise the limit:\n  '
                + '\n  '.join([*paths[:_MOST_LISTED], *rest])
            ) from error
        text = f'bad {self.what[:-1]} {len(bad)} of {len(self)}, replaced: {printable(str(error))}'
        print_log(text, logger='current', level=logging.WARNING)

    def _note(self, path: str, reason: str) -> None:
        """Add a line in one write, so that those of several workers do not mix, nor with one that was cut off."""
        line = f'\n{printable(path)}\t{printable(reason)}\n'.encode()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, 'O_NOFOLLOW', 0)
        try:
            handle = os.open(self._notes, flags, 0o600)
            try:
                if os.write(handle, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(handle)
        except OSError as error:  # the temporary folder is full, or was removed: the sample counts nevertheless
            text = f'bad_files.txt will not say why {printable(path)} is bad: {self._notes} cannot be written: '
            text += str(error.strerror)
            print_log(text, logger='current', level=logging.WARNING)

    def _excess(self, bad: list[int]) -> str:
        """Say which limit the bad videos exceed, if any."""
        if len(bad) == len(self) or len(bad) > max(1, self.max_bad_fraction * len(self)):
            limit = f'max_bad_fraction is {self.max_bad_fraction}'
            return f'{len(bad)} of {len(self)} {self.what} cannot be read, and {limit}'
        for label, count in Counter(label for index in bad for label in self._labels(index)).items():
            size = self._class_sizes[label]
            if count == size or count > max(1, self.max_bad_fraction_per_class * size):
                limit = f'max_bad_fraction_per_class is {self.max_bad_fraction_per_class}'
                return f'{count} of {size} {self.what} of class {label} cannot be read, and {limit}'
        return ''


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:
        path.unlink(missing_ok=True)
