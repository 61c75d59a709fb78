"""Find the checkpoint to resume from: the newest one that is whole, by what the files hold."""

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger

from mmvidext.checkpoints import read_checkpoint
from mmvidext.checkpoints.read import check_bounds
from mmvidext.engine.run_error import RunError
from mmvidext.engine.whole_file import file_damage

__all__ = [
    'RUN_STATE',
    'check_newest',
    'check_no_earlier_run',
    'check_whole',
    'checkpoint_files',
    'checkpoint_folder',
    'find_resume_point',
    'is_checkpoint_name',
]

RUN_STATE = ('meta', 'message_hub', 'optimizer')  # what a checkpoint of a run holds beside the weights, at least


def checkpoint_folder(work_dir: str | Path, out_dir: str | Path | None) -> Path | None:
    """Return where mmengine's ``CheckpointHook`` saves.

    Args:
        work_dir: Of the run.
        out_dir: Of the hook, as its config has it.

    Returns:
        The folder, or None if it is not on this machine.
    """
    work_dir = os.path.abspath(work_dir)
    if out_dir is None or str(out_dir) == work_dir:
        return Path(work_dir)
    return None if '://' in str(out_dir) else Path(out_dir) / Path(work_dir).name


def checkpoint_files(directory: Path, filename_tmpl: str | None = None) -> list[Path]:
    """Return the files of a folder that may be checkpoints of a run, by their names.

    Args:
        directory: The folder.
        filename_tmpl: Of the ``CheckpointHook``. ``*.pth`` are files of a run in any case.
    """
    paths = directory.iterdir() if directory.is_dir() else ()
    return sorted(path for path in paths if is_checkpoint_name(path.name, filename_tmpl) and path.is_file())


def is_checkpoint_name(name: str, filename_tmpl: str | None = None) -> bool:
    """Whether a file may be a checkpoint of a run by its name, see :func:`checkpoint_files`."""
    parts = [re.escape(part) for part in re.split(r'\{[^{}]*\}', filename_tmpl or '{}.pth')]
    return name.endswith('.pth') or re.fullmatch(r'\d+'.join(parts), name) is not None


def find_resume_point(directory: Path, filename_tmpl: str | None = None) -> Path | None:
    """Return the newest whole checkpoint of a directory.

    The files decide, by the iteration in them: neither ``last_checkpoint``, which may be stale, damaged or of another
    run, nor the times of the files, which do not survive a copy. ``best_*``, published files and bare weights are no
    candidates. What is newer but damaged is logged.

    Args:
        directory: The folder.
        filename_tmpl: See :func:`checkpoint_files`.

    Returns:
        The file, or None if there is no checkpoint at all.

    Raises:
        RunError: If there are checkpoints, but none is whole. The message says what is wrong with each.
    """
    found, damaged = _newest_first(directory, filename_tmpl)
    for _, path in found:
        try:
            check_whole(path)
        except RunError as error:
            damaged.append(str(error))
            continue
        if damaged:
            skipped = '; '.join(damaged)
            MMLogger.get_current_instance().warning(f'{path} is the newest whole checkpoint; skipped {skipped}')
        return path
    if damaged:
        raise RunError(f'no checkpoint in {directory} is whole: {"; ".join(damaged)}. To begin anew, remove them')
    return None


def check_newest(path: Path, directory: Path, filename_tmpl: str | None = None) -> None:
    """Check that the next run that resumes from the newest checkpoint of a directory does not pass over this one.

    Args:
        path: A whole checkpoint, to resume from.
        directory: Where the run keeps its checkpoints.
        filename_tmpl: See :func:`checkpoint_files`.

    Raises:
        RunError: If whole checkpoints of more iterations are there.
    """
    try:
        iteration = _iteration(path)
    except (LookupError, TypeError, ValueError):  # it has no position, which is said when the run reads it
        iteration = None
    if iteration is None:
        return
    later = [other for number, other in _newest_first(directory, filename_tmpl)[0] if number > iteration]
    names = [other.name for other in later if file_damage(other) is None]
    if names:
        raise RunError(
            f'{directory} holds checkpoints of more iterations than {path.name}: {", ".join(names)}. The next --resume '
            'would go on from those: move them away, or use another --work-dir'
        )


def check_no_earlier_run(work_dir: Path, directory: Path, filename_tmpl: str | None = None) -> None:
    """Check that a run that finds no checkpoint to resume from, and begins anew, is not one that has begun before.

    Args:
        work_dir: Of the run.
        directory: Where it keeps its checkpoints; :func:`find_resume_point` found none there.
        filename_tmpl: See :func:`checkpoint_files`.

    Raises:
        RunError: If the checkpoints there have no optimizer, or those of the work directory's run are elsewhere.
    """
    files = [path for path in checkpoint_files(directory, filename_tmpl) if not path.name.startswith('best_')]
    kept = [path for path in files if all(key in _content(path) for key in ('meta', 'message_hub'))]
    if kept:
        raise RunError(
            f'{directory} holds checkpoints of an earlier run, and it cannot resume from any: {kept[-1].name} has no '
            'optimizer (save_optimizer=False of its CheckpointHook). To begin anew, move them away, or use another '
            f'--work-dir; to start from its weights, --weights {kept[-1]}'
        )
    last = work_dir / 'last_checkpoint'
    if directory.resolve() == work_dir.resolve() or not last.is_file():
        return
    named = Path(os.fsdecode(last.read_bytes()).strip())
    if named.is_file() and named.parent.resolve() != directory.resolve():
        raise RunError(
            f'the checkpoints of the run in {work_dir} are in {named.parent}, but a run of this name keeps them in '
            f'{directory}, where there are none: rename that folder, or give the checkpoint: --resume {named}'
        )


def check_whole(path: Path) -> None:
    """Check that a checkpoint is there, undamaged, and nothing but data.

    Raises:
        RunError: If not.
    """
    if path.exists() and not path.is_file():
        raise RunError(f'the checkpoint {path} is not a regular file')
    if not path.is_file():
        raise RunError(f'there is no checkpoint {path}')
    damage = file_damage(path)
    if damage is not None:
        raise RunError(f'{path} is damaged: {damage}')
    try:
        read_checkpoint(path)
    except (ValueError, OSError) as error:
        raise RunError(str(error)) from error


def _newest_first(directory: Path, filename_tmpl: str | None) -> tuple[list[tuple[int, Path]], list[str]]:
    """Return the checkpoints that can be opened, with their iterations, and what is wrong with the others."""
    found: list[tuple[int, float, Path]] = []
    damaged: list[str] = []
    for path in checkpoint_files(directory, filename_tmpl):
        try:
            iteration = _iteration(path)
        except Exception as error:  # whatever a damaged file makes torch raise
            damaged.append(f'{path.name}: it cannot be read ({_first_line(error)})')
            continue
        if iteration is not None:
            found.append((iteration, path.stat().st_mtime, path))
    return [(iteration, path) for iteration, _, path in sorted(found, reverse=True)], damaged


def _iteration(path: Path) -> int | None:
    """Return the finished iterations of a checkpoint that a run can resume from."""
    content = _content(path)
    return int(content['meta']['iter']) if all(key in content for key in RUN_STATE) else None


def _content(path: Path) -> dict[str, Any]:
    """Return what is in a file, nothing if it is no dictionary. Tensors are read of torch's old format only."""
    check_bounds(path)
    try:
        content: Any = torch.load(path, map_location='cpu', weights_only=True, mmap=zipfile.is_zipfile(path))
    except UnicodeEncodeError:  # torch cannot map a file whose name is not UTF-8
        with path.open('rb') as file:
            content = torch.load(file, map_location='cpu', weights_only=True)
    return content if isinstance(content, dict) else {}


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).split('\n')[0][:200]
