"""Files that are either complete or not there."""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    'WriteError',
    'atomic_path',
    'atomic_write_bytes',
    'atomic_write_text',
    'naming_target',
    'remove_left_behind',
]

_LONGEST = 100  # bytes of a name; with what is added it stays below the 143 of an encrypted folder, and 255 elsewhere
_TEMPORARY = re.compile(r'\..+\.[0-9]+-[0-9a-f]{8}\.[^.]+')


class WriteError(OSError):
    """A file cannot be written. The message names it, and says why."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name and rename it when the block ends without an error.

    Args:
        path: The file to make. Its folder is created; a file already there is replaced at the end, in one step.

    Yields:
        The name to write to, with the suffix of ``path``. The block must create it.

    Raises:
        WriteError: If the system refuses to write the file, see :func:`naming_target`.
    """
    stem = os.fsencode(path.stem)[:_LONGEST].decode(errors='ignore')  # not in the middle of a character
    temporary = path.with_name(f'.{stem}.{os.getpid()}-{secrets.token_hex(4)}{path.suffix}')
    with naming_target(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def remove_left_behind(paths: Iterable[Path]) -> None:
    """Remove, of these files, what killed processes left under the temporary names of :func:`atomic_path`."""
    for path in paths:
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


@contextmanager
def naming_target(path: Path) -> Iterator[None]:
    """Let an error of the system name the file that is to be written, not the temporary one beside it, or none.

    An error that names a file of another folder, such as one that is read, is left as it is.

    Raises:
        WriteError: If the block raises an error of the system in writing the file.
    """
    try:
        yield
    except OSError as error:
        named = error.filename if isinstance(error.filename, str) else None
        about_target = named is None or Path(named).parent == path.parent or Path(named) in path.parents
        if error.strerror is None or not about_target:  # it says all in its own words
            raise
        raise WriteError(f'{path} cannot be written: {error.strerror}') from error


def atomic_write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def atomic_write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file in one step."""
    atomic_write_bytes(path, text.encode())
