"""Texts that are written into a folder of the user: a later run replaces its own, and nobody else's."""

import hashlib
import json
import os
from pathlib import Path

from mmvidext.datasets.atomic_write import atomic_write_text, naming_target
from mmvidext.file_digest import sha256_of

__all__ = ['check_replaceable', 'is_as_written', 'remove_written', 'write_replaceable']

_RECORD = 'written_files.jsonl'  # names and SHA-256 of what was written beside it


def is_as_written(path: Path) -> bool:
    """Whether a file is there as :func:`write_replaceable` wrote it."""
    return path.is_file() and sha256_of(path) in _written(path)


def check_replaceable(*paths: Path) -> None:
    """Check that files are not there, or are as :func:`write_replaceable` wrote them.

    Raises:
        ValueError: If one is another's, or has been changed since.
    """
    for path in paths:
        if os.path.lexists(path) and not is_as_written(path):
            raise ValueError(
                f'{path} would be replaced, and this version of mmvidext has not written it, or it was changed since: '
                f'rename it, or choose another folder than {path.parent}'
            )


def write_replaceable(path: Path, text: str) -> None:
    """Write a UTF-8 text in one step, and note it beside, so that a later run knows it for its own.

    Raises:
        ValueError: If a file is there that is not replaceable, and has another text.
        OSError: If it cannot be written.
    """
    if not (path.is_file() and path.read_bytes() == text.encode()):
        check_replaceable(path)
    digest = hashlib.sha256(text.encode()).hexdigest()
    record = path.with_name(_RECORD)
    if digest not in _written(path):  # noted first: a run may be killed in between
        with naming_target(record):
            path.parent.mkdir(parents=True, exist_ok=True)
            with record.open('a', encoding='utf-8') as file:
                file.write(f'\n{json.dumps([path.name, digest])}\n')  # the last line may have been cut off
    atomic_write_text(path, text)


def remove_written(path: Path) -> None:
    """Remove a file that :func:`write_replaceable` wrote, if it is there.

    Raises:
        ValueError: If it is another's, or has been changed since.
    """
    check_replaceable(path)
    path.unlink(missing_ok=True)


def _written(path: Path) -> set[str]:
    """Return the digests of all texts that were written under a name."""
    record = path.with_name(_RECORD)
    digests = set()
    for line in record.read_text(encoding='utf-8', errors='replace').splitlines() if record.is_file() else ():
        try:
            name, digest = json.loads(line)
        except (ValueError, TypeError, RecursionError):  # cut off
            continue
        if name == path.name:
            digests.add(str(digest))
    return digests
