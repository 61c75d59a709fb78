"""The report on one's own videos, as a page that is read before training."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from statistics import median

from mmvidext.datasets.own_data.preparation import PreparedClip, PreparedVideos
from mmvidext.datasets.own_data.video_folders import IGNORED, PreparedFolders
from mmvidext.datasets.printable import printable

__all__ = ['describe_folders', 'describe_videos']

_MOST_SIZES = 8
_IMBALANCE = 10
_FEW = 200


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    return lines + ['| ' + ' | '.join(str(cell).replace('|', '\\|') for cell in row) + ' |' for row in rows]


def describe_videos(result: PreparedVideos) -> str:
    """Return the report as Markdown: classes, durations, sizes, containers, what cannot be read, what to know."""
    clips = result.clips
    lines = [f'# {result.listing.root}', '', f'Form: {result.listing.form}. {len(clips)} videos can be used.', '']
    lines += ['## Classes', '', *_class_table(result), '', '## Videos', '']
    lines += _table(('what', 'least', 'median', 'most'), _ranges(clips))
    sizes = Counter('{}x{}'.format(*clip.checked.frame_size) for clip in clips).most_common()
    more = f', and {len(sizes) - _MOST_SIZES} other sizes' if len(sizes) > _MOST_SIZES else ''
    kinds = Counter(
        PurePosixPath(clip.clip.path).suffix.lower() or 'folder of pictures' for clip in clips
    ).most_common()
    lines += ['', f'Frame sizes: {_counted(sizes[:_MOST_SIZES])}{more}.', f'Files: {_counted(kinds)}.', '']
    if result.bad:
        lines += [f'## Left out: {len(result.bad)}', '']
        lines += [*_table(('file', 'reason'), ((bad.path, bad.problem) for bad in result.bad)), '']
    notes = [*result.notes, *_advice(result)]
    if notes:
        lines += ['## To know', '', *(f'- {note}.' for note in notes), '']
    return '\n'.join(map(printable, lines))


def _class_table(result: PreparedVideos) -> list[str]:
    rows = []
    for label, name in enumerate(result.listing.classes):
        own = [clip for clip in result.clips if clip.clip.label == label]
        counts = Counter(clip.clip.split for clip in own)
        rows.append(
            (
                name,
                len(own),
                len({clip.recording for clip in own}),
                *(counts[split] for split in result.splits),
                f'{sum(clip.seconds for clip in own):.0f} s',
            )
        )
    return _table(('class', 'videos', 'recordings', *result.splits, 'duration'), rows)


def _ranges(clips: Sequence[PreparedClip]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    kinds = (
        ('seconds', [round(clip.seconds, 1) for clip in clips if clip.seconds]),
        ('frames', [clip.checked.num_frames for clip in clips]),
        ('frames per second', [round(clip.checked.frame_rate, 1) for clip in clips if clip.checked.frame_rate]),
        ('megabytes', [round(clip.checked.size / 1e6, 2) for clip in clips]),
    )
    for name, values in kinds:
        if values:
            rows.append((name, min(values), round(median(values), 2), max(values)))
    return rows


def _counted(counts: Iterable[tuple[str, int]]) -> str:
    return ', '.join(f'{name} ({count})' for name, count in counts)


def _advice(result: PreparedVideos) -> list[str]:
    sizes = Counter(clip.clip.label for clip in result.clips if clip.clip.split == 'train')
    notes = []
    if sum(sizes.values()) < _FEW:
        notes.append(
            f'{sum(sizes.values())} videos for training are few: with less than some hundreds begin with weights '
            '(mmvidext train --weights)'
        )
    if sizes and max(sizes.values()) > _IMBALANCE * min(sizes.values()):
        most, least = (result.listing.classes[choose(sizes, key=lambda label: sizes[label])] for choose in (max, min))
        notes.append(
            f'the classes are unequal: {most} has {max(sizes.values())} videos for training, {least} has '
            f'{min(sizes.values())}; put the training data set into a ClassBalancedDataset, or find more videos'
        )
    if short := [clip for clip in result.clips if clip.checked.num_frames < 8]:
        notes.append(f'{len(short)} videos have fewer than 8 frames, of which some are then used several times')
    return notes


def describe_folders(
    root: object,
    result: PreparedFolders,
    classes: Sequence[str] = (),
    label_map: Mapping[int, int] | None = None,
) -> str:
    """Return the report on videos as folders of frames: what each split has, and, of label maps, the classes.

    Args:
        root: Heads the report.
        result: The videos.
        classes: Names of the classes; without them the videos have flow.
        label_map: Value in the label files to class, or to 255, which is ignored; empty if the values are the classes.
    """
    rows = [
        (split, len(videos), sum(one.num_frames for one in videos), sum(one.num_labeled for one in videos))
        for split, videos in result.videos.items()
    ]
    lines = [f'# {root}', '', *_table(('split', 'videos', 'frames', 'of them with labels or flow'), rows), '']
    sizes = Counter('{}x{}'.format(*one.frame_size) for one in result.all).most_common(_MOST_SIZES)
    lines += [f'Frame sizes: {_counted(sizes)}.', '']
    if classes:
        values = result.values()
        total = sum(values.values()) or 1
        numbers = label_map or {number: number for number in range(len(classes))}
        named = {value: 'ignored' if number == IGNORED else classes[number] for value, number in numbers.items()}
        if IGNORED in values:
            named.setdefault(IGNORED, 'ignored')
        rest = [(value, name, f'{100 * values[value] / total:.2f} %') for value, name in named.items()]
        lines += ['## Classes', '', *_table(('value', 'class', 'of all pixels'), rest), '']
    else:
        lines += [
            f'Longest vector: {max((one.values or {}).get("longest", 0.0) for one in result.all):.1f} pixels.',
            '',
        ]
    if gaps := [(one.video, one.gap) for one in result.all if one.gap]:
        lines += [f'## Gaps: {len(gaps)}', '', *_table(('video', 'gap'), gaps), '']
    if result.bad:
        bad = ((one.video, one.problem) for one in result.bad)
        lines += [f'## Left out: {len(result.bad)}', '', *_table(('video', 'reason'), bad), '']
    return '\n'.join(map(printable, lines))
