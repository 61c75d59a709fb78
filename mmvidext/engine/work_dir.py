"""A work directory belongs to one run, can be written to, and has room for a checkpoint."""

import errno
import os
import shutil
import socket
from pathlib import Path
from typing import IO, Any

from mmengine.logging import MMLogger

from mmvidext.engine.run_error import RunError

__all__ = ['check_room', 'lock_work_dir']

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None

_LOCK = '.lock'


def lock_work_dir(work_dir: Path) -> IO[str] | None:
    """Lock a work directory until the returned file is closed or this process ends, however it ends.

    The lock is the operating system's, so a dead process never leaves one behind; its file stays and means nothing.
    Worker processes do not inherit it.

    Returns:
        The open file. None on a file system without locks and on Windows, which is logged.

    Raises:
        RunError: If another run holds the lock, or the directory cannot be written to.
    """
    path = work_dir / _LOCK
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        file = _open_no_link(path)
    except OSError as error:
        raise RunError(
            f'the work directory {work_dir} cannot be written to: {error.strerror or error}: {error.filename or path}'
        ) from error
    try:
        if fcntl is None:
            raise OSError(errno.ENOTSUP, 'this system has no fcntl')
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        owner = file.read(200).strip() or 'another process'
        file.close()
        raise RunError(
            f'{work_dir} is in use by {owner}: two runs would overwrite each other; use another --work-dir'
        ) from None
    except OSError as error:
        logger = MMLogger.get_current_instance()
        logger.warning(f'{work_dir} cannot be locked ({error.strerror}): see that only one run uses it')
        file.close()
        return None
    file.truncate(0)
    file.write(f'process {os.getpid()} on {socket.gethostname()}\n')
    file.flush()
    return file


def _open_no_link(path: Path) -> IO[str]:
    """Open a file to append to, but not one elsewhere that a link leads to: it would be emptied."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, 'O_NOFOLLOW', 0)
    return os.fdopen(os.open(path, flags, 0o666), 'a+')


def check_room(directory: Path, needed: int) -> None:
    """Check that a directory can be written to and has room.

    Args:
        directory: It is made if missing.
        needed: Bytes.

    Raises:
        RunError: If not.
    """
    probe = directory / f'.probe-{os.getpid()}'
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b'x')
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise RunError(f'no checkpoint can be written to {directory}: {error.strerror}') from error
    finally:
        if os.access(directory, os.W_OK):
            probe.unlink(missing_ok=True)
    if free < needed:
        raise RunError(
            f'{directory} has {free / 2**20:.0f} MiB free, but a checkpoint of this model takes up to '
            f'{needed / 2**20:.0f} MiB: make room or use another --work-dir'
        )
