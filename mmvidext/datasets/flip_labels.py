"""Which labels a horizontal flip exchanges."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ['STHV2_FLIP_LABEL_MAP', 'check_flip', 'flip_label_map']

# pulling, pushing, and turning the camera: the two sides of each
STHV2_FLIP_LABEL_MAP = {86: 87, 87: 86, 93: 94, 94: 93, 166: 167, 167: 166}

_MIRRORED = {'left': 'right', 'clockwise': 'counterclockwise'}
_MIRRORED |= {second: first for first, second in _MIRRORED.items()}


def flip_label_map(class_names: Sequence[str]) -> dict[int, int]:
    """Find the labels that a horizontal flip exchanges, by their names.

    Args:
        class_names: The name of each class, in order.

    Returns:
        For mmaction2's ``Flip(flip_label_map=...)``. For Something-Something V2 it is :data:`STHV2_FLIP_LABEL_MAP`.

    Example:
        >>> flip_label_map(['Turning it left', 'Dropping it', 'Turning it right'])
        {0: 2, 2: 0}
    """
    index = {name.lower(): label for label, name in enumerate(class_names)}
    words = re.compile(rf'\b({"|".join(_MIRRORED)})\b')
    flipped = {label: index.get(words.sub(lambda word: _MIRRORED[word[0]], name)) for name, label in index.items()}
    return {label: other for label, other in sorted(flipped.items()) if other is not None and other != label}


def check_flip(pipeline: Sequence[Any]) -> None:
    """Check that a training pipeline which flips pictures says what becomes of the labels.

    Args:
        pipeline: Configs of transforms; other entries are ignored.

    Raises:
        ValueError: If a horizontal ``Flip`` has no ``flip_label_map``.
    """
    for transform in pipeline:
        if not isinstance(transform, Mapping):
            continue
        inner = transform.get('transforms', ())  # of RandomApply and its like
        check_flip([inner] if isinstance(inner, Mapping) else inner)
        kind = transform.get('type')
        if (kind.__name__ if isinstance(kind, type) else str(kind).rpartition('.')[2]) != 'Flip':
            continue
        flips = transform.get('flip_ratio', 0.5) > 0 and transform.get('direction', 'horizontal') == 'horizontal'
        if flips and transform.get('flip_label_map') is None:
            raise ValueError(
                'a horizontal Flip turns left into right, so it needs flip_label_map; for the 174 classes of '
                f'Something-Something V2: {STHV2_FLIP_LABEL_MAP}; {{}} if no class has a direction; '
                'tools/data/prepare_sthv2.py prints the map of your classes'
            )
