"""A folder of videos encoded anew, in parallel; a run that was stopped goes on where it was."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mmvidext.datasets.atomic_write import remove_left_behind
from mmvidext.datasets.listed_videos import find_videos, list_targets, read_listed_videos
from mmvidext.datasets.media.files import BadFileError, file_problem
from mmvidext.datasets.media.reencode import Encoding, encoder_name, reencode_video
from mmvidext.datasets.parallel import iterate_with_progress
from mmvidext.datasets.printable import printable
from mmvidext.datasets.written_files import check_replaceable, remove_written, write_replaceable
from mmvidext.folder_lock import lock_folder

__all__ = ['ReencodedVideo', 'Reencoding', 'reencode_videos']

VIDEOS = 'videos'
JOURNAL = 'reencoded.jsonl'
FAILURES = 'failed_videos.txt'
_MOST_BYTES = 255  # of the name of a file
_BEGUN = 'was not finished'  # so a copy without a later line in the journal may still be ours


@dataclass(frozen=True)
class ReencodedVideo:
    """What became of a video; a line of the journal.

    Attributes:
        path: Of the original, relative to the folder of the videos.
        size: Bytes of the original.
        modified: Its time of modification, in nanoseconds.
        encoder: The encoder and its settings.
        new_size: Bytes of the copy, 0 if there is none.
        num_frames: Frames of both.
        psnr: The lowest peak signal-to-noise ratio of a frame, in dB.
        problem: Why there is no copy, None if there is one.
        folder: Of the videos.
    """

    path: str
    size: int
    modified: int
    encoder: str
    new_size: int = 0
    num_frames: int = 0
    psnr: float = 0.0
    problem: str | None = None
    folder: str = ''  # none in the journals of older versions


@dataclass
class Reencoding:
    """What a run found and wrote.

    Attributes:
        videos: One for each video.
        num_kept: How many of them an earlier run had done.
        written: Lists made.
    """

    videos: list[ReencodedVideo]
    num_kept: int
    written: list[Path] = field(default_factory=list)

    @property
    def failed(self) -> list[ReencodedVideo]:
        """The videos that have no copy."""
        return [video for video in self.videos if video.problem is not None]


@dataclass(frozen=True)
class _Task:
    folder: Path
    out: Path
    path: str
    encoding: Encoding

    @property
    def source(self) -> Path:
        return self.folder / self.path

    @property
    def target(self) -> Path:
        return self.out / VIDEOS / new_name(self.path)

    def unfinished(self) -> ReencodedVideo:
        """Return what identifies the original and the way it is encoded."""
        problem = file_problem(self.source)
        status = None if problem else self.source.stat()
        settings = ' '.join(f'{name}={value}' for name, value in asdict(self.encoding).items())
        return ReencodedVideo(
            self.path,
            status.st_size if status else 0,
            status.st_mtime_ns if status else 0,
            f'{encoder_name()} {settings}',
            problem=problem,
            folder=str(self.folder.resolve()),
        )


def new_name(path: str) -> str:
    """Return the path of a copy, relative to the folder of the copies."""
    return Path(path).with_suffix('.mp4').as_posix()


def reencode_videos(
    folder: Path,
    out: Path,
    *,
    lists: Sequence[Path] = (),
    encoding: Encoding | None = None,
    delimiter: str = ' ',
    drop_bad: bool = False,
    workers: int = 0,
) -> Reencoding:
    """Encode videos anew with :func:`~mmvidext.datasets.media.reencode.reencode_video`, and write lists of the copies.

    Copies are in ``out/videos``, lists in ``out`` under their names, with the same labels. What is done is noted at
    once in ``reencoded.jsonl``, so that a second run does only what is missing, was changed, or has failed. Failures
    are listed in ``failed_videos.txt``; without ``drop_bad`` there are no lists then. One run at a time uses ``out``.
    Only what an earlier run has written there is replaced.

    Args:
        folder: Of the videos.
        out: Where copies and lists go.
        lists: Annotation lists, relative to ``folder``. Without one, every video in the folder is encoded.
        encoding: How to encode.
        delimiter: What separates the fields of the lists.
        drop_bad: Leave out of the lists what cannot be encoded.
        workers: Processes; 0 works in this one.

    Raises:
        FileNotFoundError: If there is no list or no video.
        ValueError: If something is wrong in a list, two copies would have the same name, one would replace that of
            another video, a copy or list would replace another file, or the copies and the originals would lie in one
            folder.
        OSError: If another run uses ``out``, or the disk is full.
    """
    targets = list_targets(folder, lists, out)
    listed = [read_listed_videos(path, delimiter=delimiter) for path in lists]
    paths = list(dict.fromkeys(video.path for videos in listed for video in videos)) or find_videos(folder)
    tasks = [_Task(folder, out, path, encoding or Encoding()) for path in paths]
    _check_apart(folder, out, tasks)
    _check_names(paths)
    with lock_folder(out, advice='wait for it, or choose another folder') or nullcontext():
        check_replaceable(*targets, out / FAILURES)
        result = _run(tasks, out, workers=workers)
        failed = {video.path for video in result.failed}
        remove_written(out / FAILURES)
        if failed:
            lines = [f'{printable(video.path)}\t{printable(video.problem or "")}\n' for video in result.failed]
            write_replaceable(out / FAILURES, ''.join(lines))
        if failed and not drop_bad:
            return result
        for target, videos in zip(targets, listed, strict=True):
            lines = [video.line(new_name(video.path)) for video in videos if video.path not in failed]
            write_replaceable(target, ''.join(lines))
            result.written.append(target)
    return result


def _check_apart(folder: Path, out: Path, tasks: Sequence[_Task]) -> None:
    """Check that no copy replaces an original, and that no later run finds it among the originals."""
    copies = (out / VIDEOS).resolve()
    if copies.is_relative_to(folder.resolve()):
        raise ValueError(f'{folder} has the originals; choose a folder outside of it for the copies, not {out}')
    for task in tasks:
        if task.source.resolve().is_relative_to(copies):
            raise ValueError(f'{task.source} lies among the copies in {copies}; choose another folder than {out}')


def _check_names(paths: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for path in paths:
        other = first.setdefault(new_name(path), path)
        if other != path:
            raise ValueError(f'the copies of {other} and {path} would have the same name {new_name(path)}; rename one')
        if len(os.fsencode(Path(new_name(path)).name)) > _MOST_BYTES:
            raise ValueError(f'the copy of {path} would have a name of more than {_MOST_BYTES} bytes; rename the video')


def _run(tasks: Sequence[_Task], out: Path, *, workers: int) -> Reencoding:
    done = {new_name(video.path): video for video in _read_journal(out / JOURNAL)}
    noted = {task.path: done.get(new_name(task.path)) for task in tasks}
    kept = {task.path: video for task in tasks if _is_current(task, video := noted[task.path]) and video}
    remove_left_behind((out / VIDEOS).rglob('.*.mp4'))
    rest = [task for task in tasks if task.path not in kept]
    new = iterate_with_progress(_reencode, rest, description='Encoding videos', workers=workers)
    found = kept | {video.path: video for video in new}
    return Reencoding([found[task.path] for task in tasks], len(kept))


def _read_journal(path: Path) -> Iterator[ReencodedVideo]:
    for line in path.read_text(encoding='utf-8').splitlines() if path.exists() else ():
        try:
            video = ReencodedVideo(**json.loads(line))
        except (ValueError, TypeError, RecursionError):  # a line that was cut off when a run was stopped
            continue
        if isinstance(video.path, str):
            yield video


def _is_current(task: _Task, noted: ReencodedVideo | None) -> bool:
    """Whether the copy is there and of this video as it is now.

    Raises:
        ValueError: If a file is there that is of another video, or no copy of ours.
    """
    if not os.path.lexists(task.target):
        return False
    if noted is None or noted.problem not in (None, _BEGUN):  # of what failed there is no copy
        raise ValueError(
            f'{task.target} would be replaced, and {task.out / JOURNAL} does not name it as a copy: rename it, or '
            f'choose another folder than {task.out}'
        )
    now = task.unfinished()
    same = (now.size, now.modified) == (noted.size, noted.modified)
    if now.path != noted.path or (noted.folder not in ('', now.folder) and not same):  # the same if it was moved
        raise ValueError(
            f'{task.target} is the copy of {Path(noted.folder, noted.path)}, which that of {task.source} would '
            f'replace; choose another folder than {task.out}'
        )
    is_whole = noted.problem is None and task.target.is_file() and task.target.stat().st_size == noted.new_size
    return same and is_whole and now.encoder == noted.encoder


def _reencode(task: _Task) -> ReencodedVideo:
    video = task.unfinished()
    if video.problem is None:
        _note(task, replace(video, problem=_BEGUN))
        video = _encoded(task, video)
    _note(task, video)
    return video


def _note(task: _Task, video: ReencodedVideo) -> None:
    handle = os.open(task.out / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(handle, f'\n{json.dumps(asdict(video))}\n'.encode())  # in one piece, beside those of other processes
    finally:
        os.close(handle)


def _encoded(task: _Task, video: ReencodedVideo) -> ReencodedVideo:
    try:
        made = reencode_video(str(task.source), task.target, task.encoding)
    except BadFileError as error:
        task.target.unlink(missing_ok=True)  # of an earlier run
        return replace(video, problem=str(error).removeprefix(str(task.source)).lstrip(': '))
    return replace(video, new_size=task.target.stat().st_size, num_frames=made.num_frames, psnr=made.psnr)
