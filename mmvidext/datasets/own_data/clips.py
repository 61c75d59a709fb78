"""What a form of data tells about its clips, and which files are clips."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmvidext.datasets.media.files import VIDEO_SUFFIXES
from mmvidext.datasets.media.frame_folder import list_pictures
from mmvidext.datasets.natural_order import natural_key

__all__ = ['SPLITS', 'Clip', 'Listing', 'clips_below', 'known_splits', 'split_folders', 'split_name', 'subfolders']

SPLITS = ('train', 'val', 'test')
_SPLIT_NAMES = {
    'train': ('train', 'training'),
    'val': ('val', 'valid', 'validate', 'validation'),
    'test': ('test', 'testing'),
}


@dataclass(frozen=True)
class Clip:
    """One video, or folder of pictures.

    Attributes:
        path: Relative to the root of its listing, with forward slashes.
        label: Number of its class.
        recording: What it was cut from, where the form tells; otherwise None.
        split: ``'train'``, ``'val'`` or ``'test'``, where the form says so; otherwise None.
    """

    path: str
    label: int
    recording: str | None = None
    split: str | None = None


@dataclass
class Listing:
    """All clips of a data set.

    Attributes:
        form: In words, for the report.
        root: What the paths are relative to.
        classes: Names, in the order of the labels.
        clips: In the order of the form.
        notes: What was left out, and why.
    """

    form: str
    root: Path
    classes: list[str]
    clips: list[Clip]
    notes: list[str] = field(default_factory=list)


def split_name(word: str) -> str | None:
    """Return ``'train'``, ``'val'`` or ``'test'`` for a word that means it, otherwise None."""
    return next((split for split, words in _SPLIT_NAMES.items() if word.strip().lower() in words), None)


def known_splits() -> str:
    """Return the words that mean a split, for a message."""
    return ', '.join(word for words in _SPLIT_NAMES.values() for word in words)


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder that are not hidden, in natural order; no links to itself or to one above it."""
    place = folder.resolve()
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(('.', '__'))]
    inside = [path for path in found if not (path.is_symlink() and place.is_relative_to(path.resolve()))]
    return sorted(inside, key=lambda path: natural_key(path.name))


def split_folders(tops: Sequence[Path], holds_videos: Callable[[Path], bool]) -> dict[Path, str]:
    """Return the folders that are a split, by their names; none where folders of classes happen to have such names.

    Args:
        tops: What lies in a folder.
        holds_videos: Whether one of them holds videos; what does not, such as ``annotations``, may lie beside a split.

    Raises:
        ValueError: If training and another split lie beside a folder with videos.
    """
    splits = {top: split for top in tops if (split := split_name(top.name))}
    others = [top for top in tops if top not in splits and holds_videos(top)] if splits else []
    if not others:
        return splits
    if 'train' in splits.values() and len(set(splits.values())) > 1:
        raise ValueError(
            f'{others[0]} lies beside {" and ".join(top.name for top in splits)}, and is neither training, validation '
            'nor test: move it away, or into one of them'
        )
    return {}


def clips_below(folder: Path) -> Iterator[Path]:
    """Yield the videos in a folder and below it, and the folders that hold pictures and no video.

    A folder to which several links lead is read once.
    """
    yield from _clips_below(folder, set())


def _clips_below(folder: Path, seen: set[Path]) -> Iterator[Path]:
    seen.add(folder.resolve())
    files = sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
    videos = [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith('.')]
    yield from (path for path in videos if not path.is_dir())
    for inner in subfolders(folder):
        if inner.resolve() in seen:
            continue
        below = list(_clips_below(inner, seen))
        if not below and list_pictures(inner):
            yield inner
        yield from below
