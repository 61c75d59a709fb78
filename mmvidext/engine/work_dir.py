"""A work directory belongs to one run, can be written to, and has room for a checkpoint."""

import os
import shutil
from pathlib import Path
from typing import IO

from mmvidext.engine.run_error import RunError
from mmvidext.folder_lock import lock_folder

__all__ = ['check_room', 'check_writable', 'lock_work_dir']


def lock_work_dir(work_dir: Path) -> IO[str] | None:
    """Lock a work directory with :func:`~mmvidext.folder_lock.lock_folder`.

    Returns:
        The open file, or None where there are no locks.

    Raises:
        RunError: If another run holds the lock, or the directory cannot be written to.
    """
    try:
        return lock_folder(work_dir, advice='use another --work-dir, or out_dir of the CheckpointHook')
    except BlockingIOError as error:
        raise RunError(str(error)) from None
    except OSError as error:
        raise RunError(
            f'the work directory {work_dir} cannot be written to: {error.strerror or error}: '
            f'{error.filename or work_dir}'
        ) from error


def check_writable(directory: Path, what: str) -> None:
    """Check that a directory can be written to, and takes a megabyte.

    Args:
        directory: It is made if missing.
        what: What will be written there, for the message.

    Raises:
        RunError: If not.
    """
    probe = directory / f'.probe-{os.getpid()}'
    try:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(bytes(2**20))
        finally:
            if os.access(directory, os.W_OK):
                probe.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(
            f'no {what} can be written to {directory}: {error.strerror}: make room or use another --work-dir'
        ) from error


def check_room(directory: Path, needed: int) -> None:
    """Check that a directory can be written to and has room.

    Args:
        directory: It is made if missing.
        needed: Bytes.

    Raises:
        RunError: If not.
    """
    check_writable(directory, 'checkpoint')
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise RunError(
            f'{directory} has {free / 2**20:.0f} MiB free, but a checkpoint of this model takes up to '
            f'{needed / 2**20:.0f} MiB: make room or use another --work-dir'
        )
