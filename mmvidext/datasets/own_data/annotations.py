"""The forms in which published data sets, and people with a table, say which video is of which class."""

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from mmvidext.datasets.annotation_lines import leads_outside, read_lines
from mmvidext.datasets.own_data.clips import Clip, Listing, known_splits, split_name
from mmvidext.datasets.own_data.video_finder import VideoFinder

__all__ = ['read_annotations']

# names of columns, in lower case
_PATH = ('path', 'file', 'filename', 'file_name', 'video', 'video_path', 'clip', 'youtube_id', 'id', 'video_id')
_LABEL = ('label', 'class', 'category', 'action', 'class_name', 'label_name')
_SPLIT = ('split', 'subset', 'set')
_RECORDING = ('recording', 'source', 'group')
_HMDB51 = re.compile(r'(.+)_test_split(\d+)\.txt')
_HMDB51_SPLITS = {'1': 'train', '2': 'val'}  # 0: not used
_HEADER = f'; a header must have one of {", ".join(_PATH)}, and one of {", ".join(_LABEL)}'
_MOST_NUMBERED = 10_000  # classes that have a number and no name; what is above is a date or an id


class _Row(NamedTuple):
    """What a line says: a path or an id, a class by name or number, and perhaps more."""

    where: str
    name: str
    label: str
    split: str | None = None
    recording: str | None = None


def read_annotations(
    root: Path,
    annotations: Sequence[Path],
    *,
    classes: Sequence[str] = (),
    split_number: int = 1,
    allow_outside: bool = False,
) -> Listing:
    """List the clips of annotation files, whose form is recognized.

    - UCF101: the folder ``ucfTrainTestlist`` with ``classInd.txt``;
    - HMDB51: the folder ``testTrainMulti_7030_splits`` with ``CLASS_test_splitN.txt``;
    - Kinetics: CSV with the columns ``label,youtube_id,time_start,time_end,split``, for files ``ID_000012_000022.mp4``;
    - Jester: ``id;label``, for videos or folders of frames named by the id;
    - any CSV with the columns ``path`` and ``label``, and if you like ``split`` and ``recording``;
    - a plain list of ``path label``, separated by a tab, or by a space before a number.

    Args:
        root: Folder of the videos.
        annotations: Files, or one folder of UCF101 or HMDB51. A file whose name has the word ``train``, ``val`` or
            ``test``, such as ``my_train.csv`` or ``trainlist01.txt``, is of that split.
        classes: Names, in the order of their numbers; by default those of the files, sorted.
        split_number: Which of the three splits of UCF101 or HMDB51.
        allow_outside: Accept videos outside the root, such as ``../1.mp4`` or ``/videos/1.mp4``.

    Raises:
        FileNotFoundError: If a file or folder is missing.
        ValueError: If the form is unknown, or a line is wrong or leads out of the root; the message has ``file:line``.
    """
    if not root.is_dir():
        raise FileNotFoundError(f'there is no folder {root}')
    form, rows = 'lists', list[_Row]()
    for path in annotations:
        if path.is_dir():
            form, more, classes = _read_folder(path, split_number, classes)
        else:
            form, more = _read_file(path)
        rows += more
    names = _class_names(rows, classes)
    finder = VideoFinder(root)
    clips = [Clip(finder.find(row.name, where=row.where), _label(row, names), row.recording, row.split) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        if leads_outside(clip.path) and not allow_outside:
            raise ValueError(
                f'{row.where}: {row.name} leads out of {root}; if that is meant, give --allow-outside '
                '(allow_outside=True)'
            )
    return Listing(form, root, names, clips)


def _read_folder(path: Path, number: int, classes: Sequence[str]) -> tuple[str, list[_Row], Sequence[str]]:
    if (path / 'classInd.txt').is_file():
        names = [text.split(maxsplit=1)[-1] for _, text in read_lines(str(path / 'classInd.txt'))]
        return f'UCF101, split {number}', _read_ucf101(path, number), classes or names
    files = [
        file for file in sorted(path.iterdir()) if (found := _HMDB51.fullmatch(file.name)) and int(found[2]) == number
    ]
    if not files:
        raise ValueError(
            f'{path} is neither the folder ucfTrainTestlist of UCF101 (classInd.txt) nor that of HMDB51 '
            f'(CLASS_test_split{number}.txt)'
        )
    rows = []
    for file in files:
        label = file.name[: -len(f'_test_split{number}.txt')]
        for where, text in read_lines(str(file)):
            name, _, code = text.rpartition(' ')
            if code in _HMDB51_SPLITS:
                rows.append(_Row(where, f'{label}/{name.strip()}', label, _HMDB51_SPLITS[code]))
    return f'HMDB51, split {number}', rows, classes


def _read_ucf101(folder: Path, number: int) -> list[_Row]:
    rows = []
    for name, split in ((f'trainlist{number:02d}.txt', 'train'), (f'testlist{number:02d}.txt', 'val')):
        for where, text in read_lines(str(folder / name)):
            path = text.split()[0]
            rows.append(_Row(where, path, path.partition('/')[0], split))
    return rows


def _read_file(path: Path) -> tuple[str, list[_Row]]:
    lines = read_lines(str(path))
    words = re.findall('[a-z]+', path.stem.lower())
    split = next((found for word in words if (found := split_name(re.sub('(list|set|split)$', '', word)))), None)
    first = lines[0][1]
    for delimiter in ',;\t':
        header = [cell.lower() for cell in _cut(*lines[0], delimiter)]
        if any(name in header for name in _PATH) and any(name in header for name in _LABEL):
            form = 'Kinetics' if 'youtube_id' in header else 'a table'
            return form, _read_table(lines, header, delimiter, split)
        if any(name in header for name in (*_PATH, *_LABEL)) and not any(re.search(r'[\d./]', cell) for cell in header):
            raise ValueError(f'{lines[0][0]}: the columns are {", ".join(header)}{_HEADER}')
    if ';' in first:
        return 'Jester', [_row(where, text, *_at(';')(text), split) for where, text in lines]
    if '\t' in first:
        return 'a plain list', [_row(where, text, *_at('\t')(text), split) for where, text in lines]
    if ',' in first:
        return 'a table', [_row(where, text, cells[0], cells[1], split) for where, text, cells in _cells(lines, ',')]
    return 'a plain list', [_row(where, text, *_at_last_space(text), split) for where, text in lines]


def _row(where: str, text: str, name: str, label: str, split: str | None, recording: str | None = None) -> _Row:
    if not name or not label:
        raise ValueError(f'{where}: expected a path and a class, but it is {text!r}: correct the line, or remove it')
    return _Row(where, name, label, split, recording)


def _cut(where: str, text: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter))]
    except csv.Error as error:  # which is no ValueError
        raise ValueError(f'{where}: not a line of a table: {error}') from error


def _cells(lines: Sequence[tuple[str, str]], delimiter: str) -> list[tuple[str, str, list[str]]]:
    rows = [(where, text, _cut(where, text, delimiter)) for where, text in lines]
    for where, text, cells in rows:
        if len(cells) < 2:
            raise ValueError(f'{where}: expected a path and a class, separated by {delimiter!r}, but it is {text!r}')
    return rows


def _read_table(lines: Sequence[tuple[str, str]], header: list[str], delimiter: str, split: str | None) -> list[_Row]:
    def column(names: Sequence[str]) -> int | None:
        return next((header.index(name) for name in names if name in header), None)

    path, label, of_split, of_recording = (column(names) for names in (_PATH, _LABEL, _SPLIT, _RECORDING))
    times = [header.index(name) for name in ('time_start', 'time_end') if name in header]
    rows = []
    for where, text, cells in _cells(lines[1:], delimiter):
        if len(cells) != len(header) or path is None or label is None:
            raise ValueError(
                f'{where}: expected {len(header)} columns ({", ".join(header)}), but there are {len(cells)}'
            )
        own = None if of_split is None else _split_of(cells[of_split], where)
        recording = None if of_recording is None else cells[of_recording] or None
        row = _row(where, text, cells[path], cells[label], own or split, recording)
        if len(times) == 2:
            clip = ''.join(f'_{_seconds(cells[place], where):06d}' for place in times)
            row = row._replace(name=row.name + clip, recording=recording or row.name)
        rows.append(row)
    return rows


def _split_of(word: str, where: str) -> str | None:
    split = split_name(word)
    if word and split is None:
        raise ValueError(
            f'{where}: the split must be {known_splits()}, or empty, but is {word!r}: correct it, or rename the column'
        )
    return split


def _seconds(text: str, where: str) -> int:
    try:
        return round(float(text))
    except (ValueError, OverflowError):
        raise ValueError(f'{where}: a time must be a number of seconds, but is {text!r}') from None


def _at(delimiter: str) -> Callable[[str], tuple[str, str]]:
    return lambda text: (text.rpartition(delimiter)[0].strip(), text.rpartition(delimiter)[2].strip())


def _at_last_space(text: str) -> tuple[str, str]:
    """Cut before the number at the end; mmaction2's lists of frames have the number of frames before it."""
    found = re.fullmatch(r'(.+?)(?: \d+)? (\d+)', text)
    return (found[1].strip(), found[2]) if found else ('', '')


def _class_names(rows: Sequence[_Row], classes: Sequence[str]) -> list[str]:
    if classes:
        return list(classes)
    named = [row for row in rows if not row.label.isdecimal()]
    if named:
        if len(named) < len(rows) and all(row.where.endswith(':1') for row in named):
            raise ValueError(f'{named[0].where}: the class is {named[0].label!r}, but a number in other lines{_HEADER}')
        return sorted({row.label for row in rows})
    if wrong := next((row for row in rows if not _is_below(row.label, _MOST_NUMBERED)), None):
        raise ValueError(
            f'{wrong.where}: {wrong.label} is no number of a class, which without their names are below '
            f'{_MOST_NUMBERED}: the class must be the last field, or the column "label"'
        )
    return [f'class {number}' for number in range(max(int(row.label) for row in rows) + 1)]


def _is_below(label: str, limit: int) -> bool:
    """Whether a label is a number below the limit; the digits are counted first, since they can be any number."""
    return label.isdecimal() and len(label) <= 9 and int(label) < limit


def _label(row: _Row, names: Sequence[str]) -> int:
    if row.label in names:
        return names.index(row.label)
    if _is_below(row.label, len(names)):
        return int(row.label)
    raise ValueError(f'{row.where}: {row.label!r} is no class; there are {len(names)}: {", ".join(names[:8])}, ...')
