"""Find the checkpoint to resume from: the newest one that is whole, by what the files hold."""

from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger

from mmvidext.checkpoints import read_checkpoint
from mmvidext.checkpoints.read import check_bounds
from mmvidext.engine.run_error import RunError
from mmvidext.engine.whole_file import file_damage

__all__ = ['check_whole', 'find_resume_point']


def find_resume_point(directory: Path) -> Path | None:
    """Return the newest whole checkpoint of a directory.

    The files decide, by the iteration in them: neither ``last_checkpoint``, which may be stale, damaged or of another
    run, nor the times of the files, which do not survive a copy. ``best_*`` and bare weights are no candidates. What
    is newer but damaged is logged.

    Returns:
        The file, or None if there is no checkpoint at all.

    Raises:
        RunError: If there are checkpoints, but none is whole. The message says what is wrong with each.
    """
    found: list[tuple[int, float, Path]] = []
    damaged: list[str] = []
    for path in sorted(path for path in directory.glob('*.pth') if path.is_file()):
        try:
            iteration = _iteration(path)
        except Exception as error:  # whatever a damaged file makes torch raise
            damaged.append(f'{path.name}: it cannot be read ({_first_line(error)})')
            continue
        if iteration is not None:
            found.append((iteration, path.stat().st_mtime, path))
    for _, _, path in sorted(found, reverse=True):
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


def check_whole(path: Path) -> None:
    """Check that a checkpoint is there, undamaged, and nothing but data.

    Raises:
        RunError: If not.
    """
    if not path.is_file():
        raise RunError(f'there is no checkpoint {path}')
    damage = file_damage(path)
    if damage is not None:
        raise RunError(f'{path} is damaged: {damage}')
    try:
        read_checkpoint(path)
    except (ValueError, OSError) as error:
        raise RunError(str(error)) from error


def _iteration(path: Path) -> int | None:
    """Return the finished iterations of a checkpoint that a run can resume from, without reading its tensors."""
    check_bounds(path)
    try:
        content: Any = torch.load(path, map_location='cpu', weights_only=True, mmap=True)
    except UnicodeEncodeError:  # torch cannot map a file whose name is not UTF-8
        with path.open('rb') as file:
            content = torch.load(file, map_location='cpu', weights_only=True)
    if not isinstance(content, dict) or 'optimizer' not in content:
        return None
    return int(content['meta']['iter'])


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).split('\n')[0][:200]
