"""Annotation lists of one video per line, read with errors that name the file and the line."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmengine.fileio import exists, get

__all__ = ['AnnotationLine', 'read_annotation']


@dataclass(frozen=True)
class AnnotationLine:
    """One line of a list.

    Attributes:
        where: ``file:line``, for messages.
        path: Its first field: a video or a folder of frames.
        numbers: The whole numbers behind it. The label is the last; -1 where the list has none.
    """

    where: str
    path: str
    numbers: tuple[int, ...]


def read_annotation(
    ann_file: str,
    *,
    columns: Sequence[str] = ('label',),
    num_classes: int | None = None,
    label_optional: bool = False,
    delimiter: str = ' ',
    hint: str = '',
) -> list[AnnotationLine]:
    """Read and check an annotation list.

    Empty lines, a byte order mark and Windows line ends are read over.

    Args:
        ann_file: Path or address of the list, in UTF-8.
        columns: Names of the whole numbers behind the path; the last is the label.
        num_classes: Labels must be below it; None does not check.
        label_optional: Whether lines may lack the label, as in the list of a test set.
        delimiter: What separates the fields.
        hint: How to make such a file; ends the message when it is missing.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not UTF-8 or empty, or a line has another number of fields, a field that is no whole
            number, a label outside the classes, a count below 1, or a path that an earlier line has.
    """
    if not exists(ann_file):
        raise FileNotFoundError(f'there is no annotation file {ann_file}{hint}')
    try:
        text = get(ann_file).decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{ann_file} must be a text file in UTF-8, but {error}') from error
    lines: list[AnnotationLine] = []
    first_seen: dict[str, str] = {}
    for number, raw_line in enumerate(text.splitlines(), start=1):
        line = raw_line.strip()
        if not line:
            continue
        where = f'{ann_file}:{number}'
        parsed = _parse(line, where, columns, delimiter=delimiter, label_optional=label_optional)
        has_label = line.count(delimiter) == len(columns)
        _check_numbers(parsed, columns, num_classes, has_label=has_label)
        if parsed.path in first_seen:
            raise ValueError(f'{where}: {parsed.path} is listed already in {first_seen[parsed.path]}; remove one')
        first_seen[parsed.path] = where
        lines.append(parsed)
    if not lines:
        raise ValueError(f'{ann_file} lists nothing{hint}')
    return lines


def _parse(line: str, where: str, columns: Sequence[str], *, delimiter: str, label_optional: bool) -> AnnotationLine:
    path, *fields = line.split(delimiter)
    allowed = {len(columns), len(columns) - 1} if label_optional else {len(columns)}
    if len(fields) not in allowed:
        layout = delimiter.join(f'<{name}>' for name in ('path', *columns))
        optional = ' (the label may be left out)' if label_optional else ''
        raise ValueError(
            f'{where}: expected {len(columns) + 1} fields, {layout!r}{optional}, but there are {len(fields) + 1}: '
            f'{line!r}. If paths contain {delimiter!r}, use another delimiter in the file and in the dataset'
        )
    numbers = []
    for name, field in zip(columns, fields, strict=False):
        try:
            numbers.append(int(field))
        except ValueError:
            raise ValueError(f'{where}: {name} must be a whole number, but is {field!r}') from None
    return AnnotationLine(where, path, (*numbers, *[-1] * (len(columns) - len(fields))))


def _check_numbers(line: AnnotationLine, columns: Sequence[str], num_classes: int | None, *, has_label: bool) -> None:
    *counts, label = line.numbers
    for name, count in zip(columns, counts, strict=False):
        if count < 1:
            raise ValueError(f'{line.where}: {name} must be at least 1, but is {count}')
    if not has_label:
        return
    if num_classes is None and label < 0:
        raise ValueError(f'{line.where}: label must be 0 or more, but is {label}')
    if num_classes is not None and not 0 <= label < num_classes:
        raise ValueError(
            f'{line.where}: the label must be in [0, {num_classes}), but is {label}; correct the list, or num_classes '
            'of the dataset and of the head'
        )
