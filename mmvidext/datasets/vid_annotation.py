"""The XML file of one frame of ImageNet DET or VID."""

import math
import re
from typing import NamedTuple
from xml.etree import ElementTree

from mmvidext.datasets.media.files import read_bytes

__all__ = ['VIDAnnotation', 'VIDObject', 'read_vid_annotation']

_MOST_BYTES = 1 << 20  # the largest files of the data set have some ten kilobytes
_WORDNET_ID = re.compile(r'n[0-9]{8}')


class VIDObject(NamedTuple):
    """One object.

    Attributes:
        wordnet_id: Its class, such as ``'n02691156'``.
        box: ``(xmin, ymin, xmax, ymax)`` in pixels from 0, the last pixel included, as in the file.
        track_id: Tells the objects of a video apart; None in DET.
    """

    wordnet_id: str
    box: tuple[float, float, float, float]
    track_id: int | None

    def is_outside(self, size: tuple[int, int]) -> bool:
        """Whether the box lies outside of a frame of this height and width."""
        left, top, right, bottom = self.box
        height, width = size
        return right < 0 or bottom < 0 or left > width - 1 or top > height - 1


class VIDAnnotation(NamedTuple):
    """What a file says of a frame.

    Attributes:
        size: Height and width of the frame.
        objects: In the order of the file.
    """

    size: tuple[int, int]
    objects: tuple[VIDObject, ...]


def read_vid_annotation(path: str) -> VIDAnnotation:
    """Read a file of ``Annotations/DET`` or ``Annotations/VID``.

    A file with a document type is refused: its entities could fill the memory, or name other files.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a file: not XML in UTF-8, larger than 1 MiB, with a document type, without a
            field, with a field that is not a number or a class that is no WordNet id, or a box of negative size.
    """
    root = _parse(path)
    size = int(_number(path, root, 'size/height')), int(_number(path, root, 'size/width'))
    if min(size) < 1:
        raise ValueError(f'{path}: a frame has a size of at least 1 pixel, but {size} (height, width) is written')
    objects = tuple(_object(f'{path}: object {number}', node) for number, node in enumerate(root.iterfind('object'), 1))
    return VIDAnnotation(size, objects)


def _parse(path: str) -> ElementTree.Element:
    content = read_bytes(path, most=_MOST_BYTES)
    try:
        if b'\0' in content:  # UTF-16, in which the next test would find nothing
            raise ValueError(f'{path} is not XML in UTF-8: it has zero bytes')
        text = content.decode('utf-8-sig')
        if '<!DOCTYPE' in text or '<!ENTITY' in text:
            raise ValueError(f'{path} has a document type, which annotations do not have and which is not read')
        return ElementTree.fromstring(text)
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise ValueError(f'{path} is not XML in UTF-8: {error}') from error


def _object(where: str, node: ElementTree.Element) -> VIDObject:
    wordnet_id = _text(where, node, 'name')
    if not _WORDNET_ID.fullmatch(wordnet_id):
        raise ValueError(f'{where}: name must be a WordNet id such as n02691156, but is {wordnet_id!r}')
    left, top, right, bottom = (_number(where, node, f'bndbox/{side}') for side in ('xmin', 'ymin', 'xmax', 'ymax'))
    if right < left or bottom < top:
        raise ValueError(f'{where}: the box ({left}, {top}, {right}, {bottom}) ends before it begins')
    track_id = None if node.find('trackid') is None else int(_number(where, node, 'trackid'))
    return VIDObject(wordnet_id, (left, top, right, bottom), track_id)


def _text(where: str, node: ElementTree.Element, field: str) -> str:
    text = (node.findtext(field) or '').strip()
    if not text:
        raise ValueError(f'{where} has no {field}')
    return text


def _number(where: str, node: ElementTree.Element, field: str) -> float:
    text = _text(where, node, field)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) < 1e6:
        raise ValueError(f'{where}: {field} must be a number, but is {text[:50]!r}')
    return number
