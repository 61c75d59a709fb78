"""Find the frames around a labeled one by the numbers in their file names."""

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmvidext.datasets.media.files import visible
from mmvidext.datasets.natural_order import natural_key
from mmvidext.ops.checks import check_at_least, check_numbers

__all__ = ['Snippet', 'SnippetFinder', 'check_distance', 'check_evaluation', 'contiguous_run']


class Snippet(NamedTuple):
    """A run of consecutive frames, some of them labeled.

    Attributes:
        name: Identifies it in messages and metrics.
        frame_paths: One image per frame, in order.
        labels: Index of a frame to its label file, or to None for a frame without label that is to be predicted.
    """

    name: str
    frame_paths: tuple[str, ...]
    labels: Mapping[int, str | None]


def contiguous_run(
    numbers: Sequence[int], labeled: int, *, snippet_length: int, name: str, distance: int = 0
) -> tuple[int, int]:
    """Find the frames that belong to a labeled one: the run of consecutive numbers around it.

    Args:
        numbers: The frame numbers that exist in the sequence.
        labeled: The labeled one.
        snippet_length: Longest snippet. Frames nearer than this beyond a gap belong to the same snippet, so the gap is
            a missing frame; a snippet that is cut into a long sequence has no frames there.
        name: The snippet, for messages.
        distance: How many frames before the labeled one are needed.

    Returns:
        First and last number of the run.

    Raises:
        FileNotFoundError: If the labeled frame is missing, or a frame that ``distance`` needs.
    """
    present = set(numbers)
    if labeled not in present:
        raise FileNotFoundError(
            f'snippet {name}: its labeled frame {labeled} is missing; unpack the image sequence again'
        )
    first = last = labeled
    while first - 1 in present:
        first -= 1
    while last + 1 in present:
        last += 1
    beyond_gap = any(labeled - snippet_length < number < first for number in present)
    if labeled - distance < first and beyond_gap:
        raise FileNotFoundError(
            f'snippet {name}: frame {first - 1} is missing, although earlier frames exist; unpack the image sequence '
            'again'
        )
    return first, last


def check_evaluation(distances: Sequence[int] | None, key_frame_interval: int | None) -> None:
    """Raise unless a data set is told at most one way of evaluation, and a possible one.

    Args:
        distances: Evaluate frames at these numbers of frames behind their key frame.
        key_frame_interval: Evaluate every frame in a stream with this interval.

    Raises:
        ValueError: If both are given, there is no distance or a negative one, or the interval is below 1.
    """
    if distances is not None and key_frame_interval is not None:
        raise ValueError('give distances or key_frame_interval, not both: each says where the key frames are')
    if distances is not None:
        check_numbers(distances, 0, 1e6, name='distances', form='one or more', whole=True)
    if key_frame_interval is not None:
        check_at_least(key_frame_interval, 1, name='key_frame_interval')


def check_distance(distance: int, available: int, *, snippet: str, side: str = 'before') -> None:
    """Raise unless ``distance`` frames exist on one side of a labeled frame, where ``available`` are.

    Raises:
        ValueError: If the distance is longer than the snippet.
    """
    if distance > available:
        raise ValueError(
            f'distance {distance} is longer than snippet {snippet}: only {available} frames come {side} its labeled '
            f'frame; use a distance of at most {available}'
        )


class SnippetFinder:
    """Snippets of the layout ``{image_root}/{folder}/{prefix}{number}{suffix}``.

    Args:
        image_root: Where the folders of images are.
        stem: Pattern of a file name without its suffix, with the groups ``prefix`` and ``frame``. A group ``sequence``
            names the folder of the images; without it they lie in a folder named as that of the label.
        suffix: What follows the stem of an image.
        snippet_length: See :func:`contiguous_run`; a snippet reaches at most this far to either side.
        distance: How many frames before the labeled one are needed.
    """

    def __init__(
        self, image_root: str, *, stem: re.Pattern[str], suffix: str, snippet_length: int, distance: int = 0
    ) -> None:
        self.image_root = image_root
        self.stem = stem
        self.suffix = suffix
        self.snippet_length = snippet_length
        self.distance = distance
        self._frames: dict[str, dict[str, dict[int, str]]] = {}

    def find_all(self, label_root: str, *, pattern: str, suffix: str, naming: str) -> list[Snippet]:
        """Return one snippet for each label file, in the natural order of their paths.

        Args:
            label_root: Where the labels are.
            pattern: Path of a label file below it, without suffix, as for ``glob``.
            suffix: What follows the stem of a label file.
            naming: How a stem must look, for the message.

        Raises:
            FileNotFoundError: If a folder, a labeled frame or a frame of a snippet is missing.
            ValueError: If a label file is named otherwise, or two frames have the same number (``a_1`` and ``a_01``).
        """
        snippets = []
        for path in sorted(visible(Path(label_root).glob(pattern + suffix)), key=lambda path: natural_key(str(path))):
            match = self.stem.match(path.name.removesuffix(suffix))
            if match is None:
                raise ValueError(f'label file {path} must be named {naming}{suffix}')
            snippets.append(self._find(match.groupdict().get('sequence', path.parent.name), match, path))
        return snippets

    def _find(self, folder: str, match: re.Match[str], label_path: Path) -> Snippet:
        """Return the snippet around the frame that ``match`` of a label's stem names."""
        if folder not in self._frames:
            self._frames[folder] = self._list_frames(folder)
        frames = self._frames[folder].get(match['prefix'], {})
        labeled = int(match['frame'])
        first, last = contiguous_run(
            list(frames),
            labeled,
            snippet_length=self.snippet_length,
            name=match[0],
            distance=self.distance,
        )
        first, last = max(first, labeled - self.snippet_length), min(last, labeled + self.snippet_length)
        paths = tuple(os.path.join(self.image_root, folder, frames[number]) for number in range(first, last + 1))
        return Snippet(match[0], paths, {labeled - first: str(label_path)})

    def _list_frames(self, folder: str) -> dict[str, dict[int, str]]:
        """Return number and file name of each frame in a folder, by what precedes the number in the name."""
        path = Path(self.image_root, folder)
        if not path.is_dir():
            raise FileNotFoundError(f'the image folder {path} is missing; unpack the image sequences there')
        frames: dict[str, dict[int, str]] = defaultdict(dict)
        for entry in os.scandir(path):
            match = self.stem.match(entry.name.removesuffix(self.suffix))
            if match is not None and entry.name.endswith(self.suffix):
                other = frames[match['prefix']].setdefault(int(match['frame']), entry.name)
                if other != entry.name:
                    raise ValueError(f'{path}: {other} and {entry.name} have the same number; remove one')
        return frames
