"""Whether a video opens and is whole, checked thoroughly, with a memory of what was checked already."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from mmvidext.datasets.container import file_problem
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
    """Check one local video: it is there, its file is whole, and its first and last frame decode.

    A stretch of damage in the middle shows as fewer frames than the length in the file's header.

    Args:
        path: The file.
    """
    return CheckedVideo(path, *_fingerprint(path), file_problem(Path(path)) or _decoding_problem(path))


def _decoding_problem(path: str) -> str | None:
    import decord

    decord.logging.set_level(decord.logging.FATAL)  # it would write into the progress bar
    try:
        reader = decord.VideoReader(path, num_threads=1)
        num_frames = len(reader)
        if num_frames == 0:
            return 'has no frames'
        reader.get_batch([0, num_frames - 1])
    except (decord.DECORDError, RuntimeError) as error:
        return f'cannot be decoded: {str(error).splitlines()[0]}'
    capture = cv2.VideoCapture(path)
    announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    capture.release()
    if num_frames < 0.9 * announced - 1:  # headers round, and count a frame more or less
        return f'is damaged: it has {num_frames} frames of {announced:.0f}'
    return None


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
