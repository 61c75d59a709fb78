"""Read the names of classes from a file."""

import json
from contextlib import suppress
from pathlib import Path

__all__ = ['read_class_names']


def read_class_names(path: Path) -> list[str]:
    """Read class names: one per line, or JSON: a list, names with numbers (Something-Something), or the reverse.

    Raises:
        ValueError: If a JSON file holds something else.
        FileNotFoundError: If there is no such file.
    """
    text = path.read_text(encoding='utf-8-sig')
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
