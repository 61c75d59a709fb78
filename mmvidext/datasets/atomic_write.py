"""Files that are either complete or not there."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ['atomic_path', 'atomic_write_text', 'naming_target']

_LONGEST = 100  # bytes of a name; with what is added it stays below the 143 of an encrypted folder, and 255 elsewhere


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name and rename it when the block ends without an error.

    Args:
        path: The file to make. Its folder is created; a file already there is replaced at the end, in one step.

    Yields:
        The name to write to, with the suffix of ``path``. The block must create it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stem = os.fsencode(path.stem)[:_LONGEST].decode(errors='ignore')  # not in the middle of a character
    temporary = path.with_name(f'.{stem}.{os.getpid()}-{secrets.token_hex(4)}{path.suffix}')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def naming_target(path: Path) -> Iterator[None]:
    """Let an error of the system name the file that is to be written, not the temporary one beside it.

    Raises:
        OSError: If the block raises one.
    """
    try:
        yield
    except OSError as error:
        raise OSError(f'{path} cannot be written: {error.strerror}') from error


def atomic_write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file in one step."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')
