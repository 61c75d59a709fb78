"""Which labels a horizontal flip exchanges."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmvidext.datasets.printable import printable

__all__ = ['STHV2_FLIP_LABEL_MAP', 'check_flip', 'flip_label_map', 'with_checked_flips']

# pulling, pushing, and turning the camera: the two sides of each
STHV2_FLIP_LABEL_MAP = {86: 87, 87: 86, 93: 94, 94: 93, 166: 167, 167: 166}

_LETTER = r'[^\W\d_]'
# where a word ends: at what is no letter, and inside of names such as TurnLeft
_EDGE = rf'(?:(?<!{_LETTER})|(?!{_LETTER})|(?<=[a-z])(?=[A-Z]))'
_SIDE = re.compile(
    rf'{_EDGE}(?i:(?P<away>(?:counter|anti)[-_ ]?clockwise|ccw)|(?P<along>clockwise|cw)'
    rf'|(?P<left>left)(?P<end_left>wards?)?|(?P<right>right)(?P<end_right>wards?)?){_EDGE}'
)
_MIRRORED = {'left': 'right', 'right': 'left', 'along': 'away', 'away': 'along'}


def flip_label_map(class_names: Sequence[str]) -> dict[int, int]:
    """Find the labels that a horizontal flip exchanges, by their names.

    The words are left and right, also as leftward(s) or with more behind a hyphen or underscore (left-hand), and
    clockwise and counterclockwise, also counter-clockwise, anticlockwise, cw and ccw. The single letters L and R may be
    anything else, such as letters of a sign language, and are not taken for sides. A name with a side, whose mirror
    image is no class, is logged.

    Args:
        class_names: The name of each class, in order.

    Returns:
        For mmaction2's ``Flip(flip_label_map=...)``. For Something-Something V2 it is :data:`STHV2_FLIP_LABEL_MAP`.

    Example:
        >>> flip_label_map(['Turning it left', 'Dropping it', 'Turning it right'])
        {0: 2, 2: 0}
    """
    index = {_with_sides(name, mirrored=False): label for label, name in enumerate(class_names)}
    flipped = {}
    for label, name in enumerate(class_names):
        other = index.get(_with_sides(name, mirrored=True))
        if other is None:
            text = (
                f'no class is the mirror image of {printable(name)!r}: if this name says a direction, its clips must '
                'not be flipped (flip_ratio=0)'
            )
            print_log(text, logger='current', level=logging.WARNING)
        elif other != label:
            flipped[label] = other
    return flipped


def _with_sides(name: str, *, mirrored: bool) -> str:
    """Return a name in small letters and with one spelling for each side, as it is or as in a mirror."""

    def side(word: re.Match[str]) -> str:
        kind = str(next(kind for kind in _MIRRORED if word[kind]))
        end = 'ward' if word['end_left'] or word['end_right'] else ''
        return f'<{_MIRRORED[kind] if mirrored else kind}{end}>'

    return _SIDE.sub(side, name).lower()


def check_flip(pipeline: Sequence[Any]) -> None:
    """Check that a training pipeline which flips pictures says what becomes of the labels.

    Args:
        pipeline: Configs of transforms, and lists of them; other entries are ignored.

    Raises:
        ValueError: If a horizontal ``Flip`` has no ``flip_label_map``.
    """
    for transform in pipeline:
        if _is_pipeline(transform):  # of RandomChoice
            check_flip(transform)
        if not isinstance(transform, Mapping):
            continue
        inner = transform.get('transforms', ())  # of RandomApply and its like
        check_flip([inner] if isinstance(inner, Mapping) else inner)
        if _is_flip(transform) and _is_sideways(transform) and transform.get('flip_label_map') is None:
            raise ValueError(
                'a horizontal Flip turns left into right, so it needs flip_label_map; for the 174 classes of '
                f'Something-Something V2: {STHV2_FLIP_LABEL_MAP}; {{}} if no class has a direction; '
                'tools/data/prepare_sthv2.py prints the map of your classes'
            )


def with_checked_flips(
    pipeline: Sequence[Any], class_names: Sequence[str] | None, num_classes: int | None
) -> list[Any]:
    """Return a pipeline in which every ``flip_label_map`` is one of these classes, by their numbers.

    A map of another data set would give clips the label of another class, and nothing would tell. Where a horizontal
    flip keeps the label of a class whose name says left or right, that is logged.

    Args:
        pipeline: Configs of transforms, and lists of them; other entries are kept.
        class_names: The names of the classes, if they are known. Then a map may name classes,
            ``{'向左': '向右', '向右': '向左'}``, and a map of numbers must exchange what :func:`flip_label_map` finds.
        num_classes: How many there are, if that is known.

    Raises:
        ValueError: If a map is no dict, has a number or a name that is no class, or exchanges classes whose names do
            not say so.
    """
    checked = []
    for transform in pipeline:
        if _is_pipeline(transform):
            transform = with_checked_flips(transform, class_names, num_classes)
        if isinstance(transform, Mapping):
            inner = transform.get('transforms')
            if isinstance(inner, Mapping):
                transform = {**transform, 'transforms': with_checked_flips([inner], class_names, num_classes)[0]}
            elif inner:
                transform = {**transform, 'transforms': with_checked_flips(inner, class_names, num_classes)}
            if _is_flip(transform) and (transform.get('flip_label_map') or _is_sideways(transform)):
                mirrored = flip_label_map(class_names) if class_names else {}
                numbers: dict[int, int] = {}
                if transform.get('flip_label_map'):
                    numbers = _numbers(transform['flip_label_map'], class_names, num_classes, mirrored)
                    transform = {**transform, 'flip_label_map': numbers}
                if _is_sideways(transform):
                    _name_kept(mirrored, numbers, class_names or ())
        checked.append(transform)
    return checked


class _LabelMap(dict[int, int]):
    """A map in which ``Flip`` finds also a vector of labels, of a clip with several: a dict hands it back unchanged."""

    def get(self, label: Any, default: Any = None) -> Any:  # type: ignore[override]
        if not isinstance(label, Tensor):
            return super().get(label, default)
        flipped = torch.zeros_like(label)
        flipped[[super(_LabelMap, self).get(one, one) for one in label.nonzero().flatten().tolist()]] = 1
        return flipped


def _is_pipeline(transform: Any) -> bool:
    return isinstance(transform, Sequence) and not isinstance(transform, str)


def _is_flip(transform: Mapping[str, Any]) -> bool:
    kind = transform.get('type')
    return (kind.__name__ if isinstance(kind, type) else str(kind).rpartition('.')[2]) == 'Flip'


def _is_sideways(transform: Mapping[str, Any]) -> bool:
    return transform.get('flip_ratio', 0.5) > 0 and transform.get('direction', 'horizontal') == 'horizontal'


def _name_kept(mirrored: dict[int, int], numbers: dict[int, int], class_names: Sequence[str]) -> None:
    """Log classes that a flip mirrors without changing their label."""
    kept = {label: other for label, other in mirrored.items() if label not in numbers}
    for label, other in list(kept.items())[:1]:
        one, two = printable(class_names[label]), printable(class_names[other])
        text = f'a horizontal Flip makes {one!r} look like {two!r} and keeps the label: add {kept} to its map'
        print_log(text, logger='current', level=logging.WARNING)


def _numbers(
    label_map: Mapping[Any, Any],
    class_names: Sequence[str] | None,
    num_classes: int | None,
    mirrored: dict[int, int],
) -> dict[int, int]:
    if not isinstance(label_map, Mapping):
        raise ValueError(
            'flip_label_map must be a dict, such as {0: 1, 1: 0} in a config and in quotes on a command line, but is '
            f'{label_map!r}'
        )
    if class_names is None:
        known = None if num_classes is None else range(num_classes)
        wrong = [label for pair in label_map.items() for label in pair if known is not None and label not in known]
        if wrong:
            raise ValueError(
                f'flip_label_map has {wrong[0]!r}, but the data set has {num_classes} classes, 0 to {num_classes - 1}: '  # type: ignore[operator]
                'it is the map of another data set; {} if no class has a direction'
            )
        return _LabelMap(label_map)
    index = {name: label for label, name in enumerate(class_names)}
    numbers = _LabelMap()
    for pair in label_map.items():
        labels: list[Any] = [index.get(label, label) if isinstance(label, str) else label for label in pair]
        for label in labels:
            if not isinstance(label, int) or not 0 <= label < len(class_names):
                raise ValueError(
                    f'flip_label_map has {label!r}, which is none of the {len(class_names)} classes '
                    f'({", ".join(class_names[:8])}): it is the map of another data set; {{}} if none has a direction'
                )
        first, second = labels
        if not isinstance(pair[0], str) and mirrored.get(first) != second:
            one, other = class_names[first], class_names[second]
            raise ValueError(
                f'flip_label_map exchanges {first} ({one!r}) and {second} ({other!r}), whose names do not say left and '
                f'right: it is the map of another data set, or write the names: {{{one!r}: {other!r}, ...}}'
            )
        numbers[first] = second
    return numbers
