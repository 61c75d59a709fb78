"""A folder that one process at a time writes to."""

import errno
import os
import socket
from pathlib import Path
from typing import IO, Any

from mmengine.logging import MMLogger

__all__ = ['lock_folder']

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None

_LOCK = '.lock'


def lock_folder(folder: Path, *, advice: str) -> IO[str] | None:
    """Lock a folder until the returned file is closed or this process ends, however it ends.

    The lock is the operating system's, so a dead process never leaves one behind; its file stays and means nothing.
    Worker processes do not inherit it.

    Args:
        folder: It is made if missing.
        advice: What to do when it is in use; ends the message.

    Returns:
        The open file. None on a file system without locks and on Windows, which is logged.

    Raises:
        BlockingIOError: If another process holds the lock; the message names the folder and that process.
        OSError: If the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = _open_no_link(folder / _LOCK)
    try:
        if fcntl is None:
            raise OSError(errno.ENOTSUP, 'this system has no fcntl')
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        owner = file.read(200).strip() or 'another process'
        file.close()
        raise BlockingIOError(f'{folder} is in use by {owner}: two runs would overwrite each other; {advice}') from None
    except OSError as error:
        logger = MMLogger.get_current_instance()
        logger.warning(f'{folder} cannot be locked ({error.strerror}): see that only one run uses it')
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
