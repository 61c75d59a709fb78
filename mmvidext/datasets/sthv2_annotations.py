"""The JSON files of Something-Something V2, read with errors that name the file and the item."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvidext.datasets.class_names import names_in_order
from mmvidext.datasets.json_file import read_json

__all__ = ['VideoItem', 'annotation_path', 'read_class_names', 'read_items']

_PREFIX = 'something-something-v2-'


@dataclass(frozen=True)
class VideoItem:
    """One clip: its number, as text, and its class; -1 where the file has none."""

    video_id: str
    label: int


def annotation_path(folder: Path, name: str) -> Path | None:
    """Find a JSON file of the release: the original one has a prefix, Qualcomm's has none.

    Args:
        folder: Where the JSON files are.
        name: ``'train'``, ``'validation'``, ``'test'`` or ``'labels'``.

    Returns:
        The file, None if there is none.

    Raises:
        ValueError: If both forms are there and differ.
    """
    found = [path for path in (folder / f'{_PREFIX}{name}.json', folder / f'{name}.json') if path.is_file()]
    if len(found) == 2 and found[0].read_bytes() != found[1].read_bytes():
        raise ValueError(f'{found[0]} and {found[1]} differ: remove the one that is not meant')
    return found[0] if found else None


def _read_json(path: Path, expected: type, description: str) -> Any:
    content = read_json(path, hint=f'it must hold {description}: download it again')
    if not isinstance(content, expected):
        raise ValueError(f'{path} must hold {description}, but holds a {type(content).__name__}')
    return content


def read_class_names(path: Path) -> list[str]:
    """Read the labels file: templates without brackets, each with its index as text.

    Args:
        path: The JSON file.

    Returns:
        The templates in the order of their indices.

    Raises:
        ValueError: If it is not such a file, or the indices are not 0, 1, 2, ... without gap or repetition.
    """
    return names_in_order(path, _read_json(path, dict, 'one object, from template to index').items())


def read_items(path: Path, class_names: list[str], *, labeled: bool = True) -> list[VideoItem]:
    """Read the clips of one split.

    Args:
        path: The JSON file.
        class_names: The templates, see :func:`read_class_names`.
        labeled: Whether items must have a template; those of the test split have none.

    Raises:
        ValueError: If an item lacks a key, has an id that is not a number, an unknown template, or the id of another.
    """
    index = {name: label for label, name in enumerate(class_names)}
    items: list[VideoItem] = []
    first_seen: dict[str, int] = {}
    for number, item in enumerate(_read_json(path, list, 'a list of items')):
        where = f'{path}: item {number}'
        video_id = str(_value(item, 'id', where))
        where = f'{where} (id {video_id})'
        if not re.fullmatch('[0-9]+', video_id):
            raise ValueError(f'{where}: the id must be a number')
        if video_id in first_seen:
            raise ValueError(f'{where}: item {first_seen[video_id]} has the same id')
        first_seen[video_id] = number
        items.append(VideoItem(video_id, _label(item, index, where) if labeled else -1))
    return items


def _value(item: Any, key: str, where: str) -> Any:
    if not isinstance(item, dict) or key not in item:
        found = f'has only {sorted(item)}' if isinstance(item, dict) else f'is {item!r}'
        raise ValueError(f'{where} must be an object with the key {key!r}, but it {found}')
    return item[key]


def _label(item: Any, index: dict[str, int], where: str) -> int:
    template = str(_value(item, 'template', where))
    name = template.replace('[', '').replace(']', '')
    if name not in index:
        raise ValueError(f'{where}: the template {template!r} is not in the labels file')
    return index[name]
