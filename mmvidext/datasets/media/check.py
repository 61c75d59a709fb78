"""Whether a video opens and is whole, checked thoroughly, with a memory of what was checked already."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.frame_folder import open_video
from mmvidext.datasets.media.memory import check_with_memory, fingerprint

__all__ = ['CheckedVideo', 'check_video', 'check_videos']


@dataclass(frozen=True)
class CheckedVideo:
    """What a check found.

    Attributes:
        path: The file, or folder of pictures.
        size: Its bytes, -1 if it is not there.
        problem: What is wrong with it, None if nothing.
        num_frames: How many frames it has, 0 if it is bad.
        frame_rate: Frames per second on average, 0 if unknown.
        frame_size: Width and height in pixels.
    """

    path: str
    size: int
    problem: str | None
    num_frames: int = 0
    frame_rate: float = 0.0
    frame_size: tuple[int, int] = (0, 0)


def check_video(path: str) -> CheckedVideo:
    """Check one local video, or folder of pictures: it is there, its file is whole, and every frame decodes.

    Args:
        path: The file or folder.
    """
    size = fingerprint(path)[0]
    try:
        video = open_video(path)
        video.check()
    except BadFileError as error:
        return CheckedVideo(path, size, str(error).removeprefix(path).strip(' :'))
    return CheckedVideo(path, size, None, video.num_frames, video.frame_rate, video.frame_size)


def _check(path: str) -> dict[str, Any]:
    return vars(check_video(path))


def check_videos(paths: Sequence[str], memory: Path, *, workers: int = 0) -> list[CheckedVideo]:
    """Check many videos with :func:`check_video`, except those that were found good before and have not changed since.

    Args:
        paths: The files.
        memory: File to which each finding is added at once, so that an interrupted check continues where it stopped.
        workers: Processes; 0 works in this one.

    Returns:
        The findings, in the order of ``paths``.
    """
    return check_with_memory(
        _check,
        paths,
        memory,
        current=fingerprint,
        description='Checking videos',
        workers=workers,
        restore=_restore,
    )


def _restore(found: dict[str, Any]) -> CheckedVideo:
    width, height = found['frame_size']
    size, num_frames, frame_rate = int(found['size']), int(found['num_frames']), float(found['frame_rate'])
    return CheckedVideo(str(found['path']), size, found['problem'], num_frames, frame_rate, (int(width), int(height)))
