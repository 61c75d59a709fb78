"""Annotation lists that are written anew with other paths, whatever else is in their lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import MMLogger

from mmvidext.datasets.annotation_lines import check_paths, read_lines
from mmvidext.datasets.media.files import VIDEO_SUFFIXES, left_out
from mmvidext.datasets.own_data.clips import clips_below

__all__ = ['ListedVideo', 'find_videos', 'list_targets', 'read_listed_videos']


@dataclass(frozen=True)
class ListedVideo:
    """A line of an annotation list: the path, and what follows it, from the delimiter on."""

    path: str
    rest: str

    def line(self, path: str) -> str:
        """Return the line with another path."""
        return f'{path}{self.rest}\n'


def read_listed_videos(ann_file: Path, *, delimiter: str = ' ') -> list[ListedVideo]:
    """Read an annotation list for :class:`~mmvidext.datasets.video_list.VideoListDataset`, with any number of labels.

    Args:
        ann_file: The list.
        delimiter: What separates the fields; the space stands for spaces, or for tabs where the line has one.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the list is no text or empty, or a path is repeated or leads out of the folder of the videos.
    """
    lines = read_lines(str(ann_file))
    videos = []
    for _, text in lines:
        separator = delimiter if delimiter != ' ' else '\t' if '\t' in text else ' '
        path, found, rest = text.partition(separator)
        videos.append(ListedVideo(path.strip(), f'{found}{rest}'))
    check_paths([(where, video.path) for (where, _), video in zip(lines, videos, strict=True)])
    return videos


def find_videos(folder: Path) -> list[str]:
    """Return the paths, relative to a folder, of the video files in it and below it; the log says what is left out.

    Links to folders are followed, and hidden folders left out, as :func:`~mmvidext.datasets.own_data.clips.clips_below`
    does.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = sorted(path.relative_to(folder).as_posix() for path in clips_below(folder) if path.is_file())
    if not found:
        raise FileNotFoundError(f'there is no video in {folder} (looked for *{", *".join(VIDEO_SUFFIXES)})')
    if note := left_out(folder):
        MMLogger.get_current_instance().warning(f'{folder}: {note}')
    return found


def list_targets(folder: Path, lists: Sequence[Path], out: Path) -> list[Path]:
    """Return where lists go that are written anew into a folder: under their own names.

    Args:
        folder: Of the videos.
        lists: The lists.
        out: Where they go.

    Raises:
        FileNotFoundError: If there is no folder of videos.
        ValueError: If two have the same name, or one would replace the original.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f'there is no folder {folder}')
    targets = [out / path.name for path in lists]
    for number, (path, target) in enumerate(zip(lists, targets, strict=True)):
        if target in targets[:number]:
            raise ValueError(f'two lists are named {path.name}; rename one')
        if target.resolve() == path.resolve():
            raise ValueError(f'{path} would be replaced; choose another folder than {out}')
    return targets
