"""Read the names of classes from a file."""

import json
from contextlib import suppress
from pathlib import Path

from mmvidext.datasets.media.files import read_bytes

__all__ = ['read_class_names']


def read_class_names(path: Path) -> list[str]:
    """Read class names: one per line, or JSON: a list, names with numbers (Something-Something), or the reverse.

    Raises:
        ValueError: If a JSON file holds something else, or the file is empty, no regular file or no text.
        FileNotFoundError: If there is no such file.
    """
    try:
        text = read_bytes(path).decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{path} must be text in UTF-8: {error}') from error
    if path.suffix != '.json':
        return text.splitlines()
    with suppress(json.JSONDecodeError):
        content = json.loads(text)
        if isinstance(content, list) and all(isinstance(name, str) for name in content):
            return content
        if isinstance(content, dict):
            for pairs in (content.items(), [(name, number) for number, name in content.items()]):
                if all(isinstance(name, str) and str(number).isdecimal() for name, number in pairs):
                    return [name for name, _ in sorted(pairs, key=lambda pair: int(pair[1]))]
    raise ValueError(
        f'{path} must be a JSON list of class names, or a JSON object that gives each name its number or each number '
        'its name'
    )
