"""Whether a video opens and is whole, checked thoroughly, with a memory of what was checked already."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.video_file import VideoFile
from mmvidext.datasets.parallel import iterate_with_progress

__all__ = ['CheckedVideo', 'check_video', 'check_videos']


@dataclass(frozen=True)
class CheckedVideo:
    """What a check found.

    Attributes:
        path: The file.
        size: Its bytes, -1 if it is not there.
        modified: Its time of modification, in nanoseconds.
        problem: What is wrong with it, None if nothing.
    """

    path: str
    size: int
    modified: int
    problem: str | None


def _fingerprint(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def check_video(path: str) -> CheckedVideo:
    """Check one local video: it is there, its file is whole, and every frame decodes.

    Args:
        path: The file.
    """
    fingerprint = _fingerprint(path)
    try:
        VideoFile(path).check()
    except BadFileError as error:
        return CheckedVideo(path, *fingerprint, str(error).removeprefix(path).strip())
    return CheckedVideo(path, *fingerprint, None)


def _read_memory(path: Path) -> Iterator[CheckedVideo]:
    if not path.exists():
        return
    for line in path.read_text(encoding='utf-8').splitlines():
        try:
            yield CheckedVideo(**json.loads(line))
        except (ValueError, TypeError):  # a line that was cut off when the last run was stopped
            continue


def check_videos(paths: Sequence[str], memory: Path, *, workers: int = 0) -> list[CheckedVideo]:
    """Check many videos with :func:`check_video`, except those that were found good before and have not changed since.

    Args:
        paths: The files.
        memory: File to which each finding is added at once, so that an interrupted check continues where it stopped.
        workers: Processes; 0 works in this one.

    Returns:
        The findings, in the order of ``paths``.
    """
    known = {checked.path: checked for checked in _read_memory(memory)}
    findings = {path: known[path] for path in paths if path in known and _is_current(known[path])}
    unknown = [path for path in paths if path not in findings]
    memory.parent.mkdir(parents=True, exist_ok=True)
    with memory.open('a', encoding='utf-8') as file:
        if known:
            file.write('\n')  # the last line may have been cut off
        results: Iterable[CheckedVideo] = iterate_with_progress(
            check_video, unknown, description='Checking videos', workers=workers
        )
        for checked in results:
            findings[checked.path] = checked
            file.write(json.dumps(asdict(checked)) + '\n')
            file.flush()
    return [findings[path] for path in paths]


def _is_current(checked: CheckedVideo) -> bool:
    return checked.problem is None and _fingerprint(checked.path) == (checked.size, checked.modified)
