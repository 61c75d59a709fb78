"""The file of a ready config: what somebody has changed in it is never written over."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmvidext.cli.config_names import ConfigError
from mmvidext.datasets.written_files import is_as_written, write_replaceable

__all__ = ['MARK', 'WrittenConfig', 'check_own', 'first_line', 'write_config']

MARK = '# Written by mmvidext data'


class WrittenConfig(NamedTuple):
    """A ready config.

    Attributes:
        path: Its file.
        note: Why the one that was there is kept, and what a new one would have; empty if it is new.
    """

    path: Path
    note: str = ''


def first_line(path: Path) -> str:
    """Return the first line of a file in any encoding."""
    with path.open('rb') as file:
        return file.readline().decode(errors='replace')


def check_own(path: Path) -> None:
    """Check that a file is not there, or is one that ``mmvidext data`` has written.

    Raises:
        ConfigError: If it is somebody's own.
    """
    if path.exists() and not first_line(path).startswith(MARK):
        raise ConfigError(f'{path} would be overwritten, and mmvidext data did not write it: rename it')


def write_config(path: Path, lines: Sequence[str]) -> WrittenConfig:
    """Write a config, unless there is one that was changed."""
    text = ''.join(f'{line}\n' for line in lines)
    old = path.read_text(encoding='utf-8') if path.exists() else text
    if old == text or is_as_written(path):
        write_replaceable(path, text)
        return WrittenConfig(path)
    missing = [line for line in lines if line and not line.startswith('#') and line not in old.splitlines()]
    new = f'. A new one, which you get when you rename it, would have: {"; ".join(missing)}' if missing else ''
    return WrittenConfig(
        path, f'{path} was changed since it was written, or an older version wrote it, and is kept{new}'
    )
