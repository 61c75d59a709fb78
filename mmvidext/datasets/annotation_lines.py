"""Annotation lists of one video per line, read with errors that name the file and the line."""

import os.path
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mmvidext.datasets.media.files import read_bytes

__all__ = ['AnnotationLine', 'check_paths', 'fits_line', 'leads_outside', 'read_annotation', 'read_lines']

Labels = Literal['none', 'one', 'many']

_NUMBER = re.compile(r'-?[0-9]{1,9}')
_UNFIT = re.compile(r'[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]|^[ \ufeff]| $|^$')
_CONTROL = re.compile(r'[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]')


@dataclass(frozen=True)
class AnnotationLine:
    """One line of a list.

    Attributes:
        where: ``file:line``, for messages.
        path: Its first field: a video or a folder of frames.
        counts: The whole numbers between path and labels.
        labels: The whole numbers at its end.
    """

    where: str
    path: str
    counts: tuple[int, ...]
    labels: tuple[int, ...]


def fits_line(name: str) -> bool:
    """Whether a list can hold a name: one in UTF-8 that has no tab, control character or space at its ends."""
    return not _UNFIT.search(name)


def read_lines(path: str, *, hint: str = '') -> list[tuple[str, str]]:
    """Read the lines of a text file in UTF-8, without spaces at their ends.

    A byte order mark, Windows line ends and empty lines are skipped.

    Args:
        path: Path or address of the file.
        hint: How to make such a file; ends the message when it is missing or empty.

    Returns:
        ``file:line``, for messages, and the text of each line.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a regular file, not UTF-8, or empty, or a line holds a control character.
    """
    try:
        text = read_bytes(path).decode('utf-8-sig')
    except FileNotFoundError:
        raise FileNotFoundError(f'there is no annotation file {path}. {hint}'.rstrip()) from None
    except UnicodeDecodeError as error:
        raise ValueError(f'{path} must be a text file in UTF-8, but {error}') from error
    lines = []
    for number, raw_line in enumerate(text.split('\n'), start=1):
        line = raw_line.removesuffix('\r').strip(' \t')
        if found := _CONTROL.search(line):
            raise ValueError(f'{path}:{number}: the control character {found[0]!r} is in the line {line!r}; remove it')
        if line:
            lines.append((f'{path}:{number}', line))
    if not lines:
        raise ValueError(f'{path} lists nothing. {hint}'.rstrip())
    return lines


def read_annotation(
    ann_file: str,
    *,
    columns: Sequence[str] = (),
    labels: Labels = 'one',
    num_classes: int | None = None,
    delimiter: str = ' ',
    allow_outside: bool = False,
    hint: str = '',
) -> list[AnnotationLine]:
    """Read and check an annotation list.

    Args:
        ann_file: Path or address of the list, see :func:`read_lines`.
        columns: Names of the whole numbers between path and label.
        labels: Whether a line ends in one label, in one or more, or in none.
        num_classes: Labels must be below it; None does not check.
        delimiter: What separates the fields; the space stands for spaces and tabs.
        allow_outside: Accept absolute paths and those that begin with ``..``.
        hint: How to make such a file; ends the message when it is missing or empty.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not UTF-8 or empty, or a line has another number of fields, a field that is not
            a whole number in the digits 0 to 9, a label outside the classes, a count below 1, a path out of the data
            folder or one that an earlier line has.
    """
    lines = [
        _parse(text, where, columns, labels=labels, delimiter=delimiter)
        for where, text in read_lines(ann_file, hint=hint)
    ]
    for line in lines:
        _check_numbers(line, columns, num_classes)
    check_paths([(line.where, line.path) for line in lines], allow_outside=allow_outside)
    return lines


def leads_outside(path: str) -> bool:
    """Whether a path of a list is absolute or leads out of the data folder by ``..``."""
    path = os.path.normpath(path)
    return os.path.isabs(path) or path.split(os.sep)[0] == os.pardir


def check_paths(paths: Sequence[tuple[str, str]], *, allow_outside: bool | None = None) -> None:
    """Check that no path is listed twice or leads out of the data folder.

    Args:
        paths: ``file:line`` and path of each line.
        allow_outside: Accept absolute paths and those that begin with ``..``; None if the caller has no such option.

    Raises:
        ValueError: For the first such line.
    """
    first_seen: dict[str, str] = {}
    for where, given in paths:
        path = os.path.normpath(given)
        if not allow_outside and leads_outside(given):
            advice = 'correct it, or name a folder that holds everything'
            if allow_outside is not None:
                advice = 'if that is meant, set allow_outside=True in the dataset'
            raise ValueError(f'{where}: {given} leads out of the data folder; {advice}')
        if path in first_seen:
            raise ValueError(f'{where}: {given} is listed already in {first_seen[path]}; remove one')
        first_seen[path] = where


def _split(line: str, delimiter: str, expected: int, *, or_more: bool) -> list[str]:
    """Split at the delimiter; where that is the space, at tabs if this gives the expected fields, else at both."""
    if delimiter != ' ':
        return [field.strip() for field in line.split(delimiter)]
    if or_more and '\t' in line:  # the path ends at the first one
        path, _, rest = line.partition('\t')
        return [path.strip(), *rest.split()]
    at_tabs = re.split(r'\t+', line)
    return at_tabs if len(at_tabs) == expected > 1 else re.split(r'[ \t]+', line)


def _parse(line: str, where: str, columns: Sequence[str], *, labels: Labels, delimiter: str) -> AnnotationLine:
    names = ['path', *columns, *([] if labels == 'none' else ['label'])]
    path, *fields = _split(line, delimiter, len(names), or_more=labels == 'many')
    if len(fields) + 1 < len(names) or (len(fields) + 1 > len(names) and labels != 'many'):
        layout = delimiter.join(f'<{name}>' for name in names) + (' ...' if labels == 'many' else '')
        raise ValueError(
            f'{where}: expected {len(names)} fields, {layout!r}, but there are {len(fields) + 1}: {line!r}. If paths '
            f'contain {delimiter!r}, use another delimiter in the file and in the dataset; a test split without labels '
            'needs with_labels=False in the dataset'
        )
    kinds = [*columns, *['label'] * (len(fields) - len(columns))]
    for name, field in zip(kinds, fields, strict=True):
        if not _NUMBER.fullmatch(field):
            raise ValueError(f'{where}: {name} must be a whole number, but is {field!r}')
    numbers = tuple(map(int, fields))
    return AnnotationLine(where, path, numbers[: len(columns)], numbers[len(columns) :])


def _check_numbers(line: AnnotationLine, columns: Sequence[str], num_classes: int | None) -> None:
    for name, count in zip(columns, line.counts, strict=True):
        if count < 1:
            raise ValueError(f'{line.where}: {name} must be at least 1, but is {count}')
    for label in line.labels:
        if label < 0 and num_classes is None:
            raise ValueError(f'{line.where}: label must be 0 or more, but is {label}')
        if num_classes is not None and not 0 <= label < num_classes:
            raise ValueError(
                f'{line.where}: the label must be in [0, {num_classes}), but is {label}; correct the list, or '
                'num_classes of the dataset and of the head'
            )
    if len(set(line.labels)) < len(line.labels):
        raise ValueError(f'{line.where}: a label is repeated in {list(line.labels)}; remove one')
