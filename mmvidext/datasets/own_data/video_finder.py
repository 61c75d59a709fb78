"""The videos that lists mean by paths or ids."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from mmvidext.datasets.media.files import VIDEO_SUFFIXES
from mmvidext.datasets.own_data.clips import clips_below

__all__ = ['VideoFinder']


class VideoFinder:
    """Finds a video by its path, or by its name without suffix, wherever it lies below the root.

    Args:
        root: The folder of the videos.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, name: str, *, where: str) -> str:
        """Return the path relative to the root; the name itself if there is no such video: the check will say so.

        The folders that are listed and those that are there may differ in how many there are, not in their names.

        Args:
            name: What is listed.
            where: ``file:line``, for the message.

        Raises:
            ValueError: If several videos may be meant.
        """
        if (self.root / name).exists():
            return name.rstrip('/')
        listed = PurePosixPath(name)
        for key in (listed.name, listed.stem if listed.suffix.lower() in VIDEO_SUFFIXES else ''):
            found = [path for path in self._by_name.get(key, ()) if _is_end(path.parent.parts, listed.parent.parts)]
            if len(found) > 1:
                raise ValueError(f'{where}: {name} may be {found[0]} or {found[1]}: write the path')
            if found:
                return found[0].as_posix()
        return name

    @cached_property
    def _by_name(self) -> dict[str, list[PurePosixPath]]:
        names: dict[str, list[PurePosixPath]] = defaultdict(list)
        for path in clips_below(self.root):
            for key in {path.name} if path.is_dir() else {path.name, path.stem}:
                names[key].append(PurePosixPath(path.relative_to(self.root).as_posix()))
        return names


def _is_end(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the shorter of two sequences is the end of the longer one."""
    length = min(len(one), len(other))
    return one[len(one) - length :] == other[len(other) - length :]
