"""Read a JSON file, with errors that name it."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvidext.datasets.media.files import read_bytes

__all__ = ['read_json']


def read_json(path: Path, *, hint: str = '') -> Any:
    """Read a JSON file in UTF-8, with or without a byte order mark.

    Args:
        path: The file.
        hint: How to get another one; ends the message when it is damaged.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no regular file, empty, not UTF-8, not JSON or nested too deeply, or an object has a key
            twice, of which Python would keep one.
    """
    content = read_bytes(path)
    end = f'; {hint}' if hint else ''
    try:
        return json.loads(content.decode('utf-8-sig'), object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ValueError(f'{path}:{error.lineno}: not valid JSON: {error.msg}{end}') from error
    except UnicodeDecodeError as error:
        raise ValueError(f'{path} must be in UTF-8, but {error}{end}') from error
    except RecursionError:
        raise ValueError(f'{path} is nested too deeply{end}') from None
    except ValueError as error:  # a repeated key, or a number of thousands of digits
        raise ValueError(f'{path}: {error}{end}') from error


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        repeated, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f'the key {repeated!r} is there twice; remove one')
    return result
