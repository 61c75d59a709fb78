"""Checkpoints that are whole or not there: written beside, flushed, renamed, with their checksum beside them."""

import errno
import hashlib
import logging
import os
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import print_log

from mmvidext.checkpoints.read import check_bounds
from mmvidext.file_digest import sha256_of

__all__ = [
    'PARTIAL',
    'WholeFileBackend',
    'checksum_path',
    'file_damage',
    'remove_lone_checksums',
    'remove_partial_files',
    'write_whole',
]

PARTIAL = '.partial'  # the end of the name of a file that is being written
# what may be over in a minute: a full disk, another one's quota, a file server that restarts. ENOENT is what a file
# server says of a rename that it has done and is asked for again.
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOENT}
_WAITS = (2, 8, 20, 30, 60)  # seconds


def write_whole(path: Path, content: bytes, *, patient: bool = False, outdated: Path | None = None) -> None:
    """Write a file so that, whenever the process or the machine stops, the old file or the new one is there.

    Args:
        path: The file.
        content: What it is to hold.
        patient: Try again for two minutes if the disk is full, or does not answer.
        outdated: A file to remove between the old content and the new one, as it is of the old one.

    Raises:
        OSError: If it cannot be written, for example because the disk is full. The old file is untouched then, and
            nothing else is left.
    """
    for seconds in (*(_WAITS if patient else ()), 0):
        try:
            _write(path, content, outdated)
        except OSError as error:
            if error.errno not in _PASSING or not seconds:
                raise
            text = f'{path} cannot be written: {error.strerror}; tried again in {seconds} seconds'
            print_log(text, logger='current', level=logging.WARNING)
            time.sleep(seconds)
        else:
            return


def _write(path: Path, content: bytes, outdated: Path | None) -> None:
    partial = path.with_name(f'.{path.name}{PARTIAL}')
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open('wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if outdated is not None:
            outdated.unlink(missing_ok=True)
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink()
    _flush_names(path.parent)


def _flush_names(folder: Path) -> None:
    """Put the names of the files of a folder on the disk, where the system and the file system can."""
    if not hasattr(os, 'O_DIRECTORY'):  # Windows cannot open a folder
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _PASSING:
            raise


def checksum_path(path: Path) -> Path:
    """Return where the checksum of a file is, in the format of ``sha256sum``."""
    return path.with_name(f'{path.name}.sha256')


def file_damage(path: Path) -> str | None:
    """Return what is wrong with a checkpoint file, or None: by its checksum, else by those inside the archive."""
    try:
        if checksum_path(path).is_file():
            same = checksum_path(path).read_text('utf-8', 'replace').split()[:1] == [sha256_of(path)]
            return None if same else 'it does not match its checksum'
        if zipfile.is_zipfile(path):
            check_bounds(path)
            with zipfile.ZipFile(path) as archive:
                bad = archive.testzip()
            return None if bad is None else f'{bad} in it does not match its checksum'
    except Exception as error:  # zipfile raises nearly anything on a damaged file
        return f'it cannot be read ({error or type(error).__name__})'
    return None


def remove_partial_files(directory: Path) -> None:
    """Remove what a killed run was writing."""
    for path in directory.glob(f'.*{PARTIAL}'):
        with suppress(OSError):
            path.unlink()


def remove_lone_checksums(directory: Path, is_checkpoint: Callable[[str], bool]) -> None:
    """Remove checksums of checkpoints that are gone, so that ``sha256sum -c *.sha256`` checks what is there.

    Args:
        directory: Of the checkpoints.
        is_checkpoint: Whether a file is one, by its name.
    """
    for path in directory.glob('*.sha256'):
        if not is_checkpoint(path.stem):
            continue
        entry = b'  ' + os.fsencode(path.stem)
        with suppress(OSError):
            if not path.with_suffix('').exists() and path.read_bytes().rstrip().endswith(entry):
                path.unlink()


class WholeFileBackend(LocalBackend):
    """A file backend of mmengine, ``backend_args=dict(backend='whole_file')``, for checkpoints on a local disk."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file and its checksum.

        A file is never beside the checksum of another content: while it is replaced it has none. A disk that is full
        is waited for, two minutes at most.

        Raises:
            OSError: See :func:`write_whole`.
        """
        path = Path(filepath)
        write_whole(path, obj, patient=True, outdated=checksum_path(path))
        digest = hashlib.sha256(obj).hexdigest()
        write_whole(checksum_path(path), os.fsencode(f'{digest}  {path.name}\n'), patient=True)

    def remove(self, filepath: str | Path) -> None:
        """Remove a file and its checksum."""
        checksum_path(Path(filepath)).unlink(missing_ok=True)
        super().remove(filepath)


register_backend('whole_file', WholeFileBackend, force=True)
