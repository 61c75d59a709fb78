"""Read the names of classes from a file."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmvidext.datasets.annotation_lines import read_lines
from mmvidext.datasets.json_file import read_json

__all__ = ['names_in_order', 'read_class_names']

_INDEX = re.compile('[0-9]{1,9}')


def read_class_names(path: Path) -> list[str]:
    """Read class names: one per line, or JSON: a list, names with numbers (Something-Something), or the reverse.

    Empty lines are skipped.

    Raises:
        ValueError: If a JSON file holds something else, an empty name or numbers other than 0, 1, 2, ..., or
            the file names nothing, is no regular file or no text.
        FileNotFoundError: If there is no such file.
    """
    if path.suffix != '.json':
        return [name for _, name in read_lines(str(path), hint='It names the classes, one a line')]
    names = _names(path, read_json(path))
    if unnamed := [number for number, name in enumerate(names) if not name.strip()]:
        raise ValueError(f'{path}: class {unnamed[0]} has no name; give it one')
    return names


def _names(path: Path, content: Any) -> list[str]:
    if isinstance(content, list) and content and all(isinstance(name, str) for name in content):
        return content
    if isinstance(content, dict):
        for pairs in (list(content.items()), [(name, number) for number, name in content.items()]):
            if all(isinstance(name, str) and str(number).isdecimal() for name, number in pairs):
                return names_in_order(path, pairs)
    raise ValueError(
        f'{path} must be a JSON list of class names, or a JSON object that gives each name its number or each number '
        'its name'
    )


def names_in_order(path: Path, pairs: Iterable[tuple[str, Any]]) -> list[str]:
    """Sort class names by their indices.

    Args:
        path: The file, for messages.
        pairs: Each name with its index, a number or its text.

    Raises:
        ValueError: If the indices are not 0, 1, 2, ... without gap or repetition.
    """
    names: dict[int, str] = {}
    for name, index in pairs:
        if not _INDEX.fullmatch(str(index)):
            raise ValueError(f'{path}: the index of {name!r} must be a whole number, but is {index!r}')
        if int(index) in names:
            raise ValueError(f'{path}: {name!r} and {names[int(index)]!r} have the same index {index}')
        names[int(index)] = name
    if missing := sorted(set(range(len(names) or 1)) - set(names)):
        raise ValueError(f'{path}: indices must be 0, 1, 2, ... without a gap, but these are missing: {missing[:10]}')
    return [names[index] for index in range(len(names))]
