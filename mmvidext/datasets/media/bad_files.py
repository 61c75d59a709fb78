"""The list of bad files that a training leaves in its work directory."""

import fcntl
from pathlib import Path

from mmvidext.datasets.atomic_write import atomic_write_text

__all__ = ['BAD_FILES', 'merge_bad_files', 'printable', 'read_bad_files']

BAD_FILES = 'bad_files.txt'


def printable(text: str) -> str:
    """Write control characters as escapes, as Python does: they would break lines or steer a terminal."""
    return ''.join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def read_bad_files(path: Path) -> dict[str, str]:
    """Read a list that :func:`merge_bad_files` wrote.

    Args:
        path: The list; it need not exist.

    Returns:
        The reason for each path, both :func:`printable`.
    """
    try:
        lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    except FileNotFoundError:
        return {}
    return {name: reason for name, _, reason in (line.partition('\t') for line in lines if line)}


def merge_bad_files(path: Path, found: dict[str, str]) -> None:
    """Add to a list, in one step, while other processes of the run may do the same.

    Args:
        path: The list: a line for each file, its path, a tab and the reason.
        found: The reason for each path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f'.{path.name}.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read_bad_files(path)
        merged = known | {printable(name): printable(reason) for name, reason in found.items()}
        if merged != known:
            atomic_write_text(path, ''.join(f'{name}\t{reason}\n' for name, reason in sorted(merged.items())))
