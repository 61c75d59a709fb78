"""From the download of Something-Something V2 to annotation lists whose every video is known to open."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mmvidext.datasets.atomic_write import atomic_write_text
from mmvidext.datasets.flip_labels import flip_label_map
from mmvidext.datasets.media.check import CheckedVideo, check_videos
from mmvidext.datasets.printable import printable
from mmvidext.datasets.sthv2_annotations import VideoItem, annotation_path, read_class_names, read_items
from mmvidext.datasets.written_files import check_replaceable, remove_written, write_replaceable

__all__ = ['Preparation', 'prepare_sthv2']

LIST_NAMES = {  # those of mmaction2, so that its configs find them too
    'train': 'sthv2_train_list_videos.txt',
    'validation': 'sthv2_val_list_videos.txt',
    'test': 'sthv2_test_list_videos.txt',
}
BAD_VIDEOS = 'bad_videos.txt'
MEMORY = 'checked_videos.jsonl'


@dataclass
class Preparation:
    """What a preparation found and wrote.

    Attributes:
        class_names: One per label.
        videos: Folder that the lists are relative to.
        listed: Clips of each split in its JSON file.
        bad: Videos with a problem, over all splits.
        written: Files made.
        flip_label_map: Labels that a horizontal flip exchanges.
    """

    class_names: list[str]
    videos: Path
    listed: dict[str, int]
    bad: list[CheckedVideo]
    written: list[Path] = field(default_factory=list)

    @property
    def flip_label_map(self) -> dict[int, int]:
        """For the ``Flip`` of the training pipeline."""
        return flip_label_map(self.class_names)


def prepare_sthv2(
    root: Path,
    *,
    videos: Path | None = None,
    annotations: Path | None = None,
    out: Path | None = None,
    class_names_file: Path | None = None,
    extension: str = 'webm',
    drop_bad: bool = False,
    workers: int = 0,
) -> Preparation:
    """Check the download and write annotation lists for :class:`~mmvidext.datasets.something_something.SthV2Dataset`.

    Lists have ``<path> <label>`` lines (only ``<path>`` for the test split), with paths relative to the folder of the
    videos. Without ``drop_bad`` they are written only if every video is good. What was checked is remembered in
    ``checked_videos.jsonl``; what is wrong is listed in ``bad_videos.txt``.

    Args:
        root: Folder of the download.
        videos: Folder of the videos; by default ``20bn-something-something-v2`` or ``videos`` in ``root``, or ``root``.
        annotations: Folder of the JSON files; by default ``root``, or ``annotations`` or ``labels`` in it.
        out: Where lists go; by default ``root``.
        class_names_file: Where the names of the classes go, one per line; by default ``class_names.txt`` in ``out``.
        extension: Of the video files, without the dot.
        drop_bad: Leave bad videos out of the lists.
        workers: Processes; 0 works in this one.

    Raises:
        FileNotFoundError: If folders or JSON files are missing.
        ValueError: If something is wrong in a JSON file, a clip is in two splits, or a file would be replaced that no
            earlier run has written, other than ``class_names_file``.
    """
    annotations = annotations or _find_annotations(root)
    if videos is not None and not videos.is_dir():
        raise FileNotFoundError(f'there is no folder of videos {videos}')
    videos = videos or _find_videos(root, extension)
    out = out or root
    class_names = read_class_names(_required(annotations, 'labels'))
    splits = _read_splits(annotations, class_names)
    names_file = class_names_file or out / 'class_names.txt'
    made = [out / name for name in (BAD_VIDEOS, *(LIST_NAMES[split] for split in splits))]
    check_replaceable(*made, *(() if class_names_file else (names_file,)))
    paths = {split: [f'{item.video_id}.{extension}' for item in items] for split, items in splits.items()}
    everything = [os.path.join(videos, path) for split in paths.values() for path in split]
    bad = [checked for checked in check_videos(everything, out / MEMORY, workers=workers) if checked.problem]
    result = Preparation(class_names, videos, {split: len(items) for split, items in splits.items()}, bad)
    remove_written(out / BAD_VIDEOS)
    if bad:
        _write(out / BAD_VIDEOS, [f'{printable(one.path)}\t{printable(one.problem or "")}' for one in bad], result)
    if bad and not drop_bad:
        return result
    dropped = {checked.path for checked in bad}
    lists = {
        split: [
            path if split == 'test' else f'{path} {item.label}'
            for path, item in zip(paths[split], items, strict=True)
            if os.path.join(videos, path) not in dropped
        ]
        for split, items in splits.items()
    }
    if empty := [split for split, lines in lists.items() if not lines]:
        raise ValueError(f'no video of {" and ".join(empty)} is left: {len(bad)} are bad, the JSON file names no other')
    for split, lines in lists.items():
        _write(out / LIST_NAMES[split], lines, result)
    _write(names_file, class_names, result, write=atomic_write_text if class_names_file else write_replaceable)
    return result


def _write(
    path: Path, lines: list[str], result: Preparation, write: Callable[[Path, str], None] = write_replaceable
) -> None:
    write(path, ''.join(f'{line}\n' for line in lines))
    result.written.append(path)


def _read_splits(annotations: Path, class_names: list[str]) -> dict[str, list[VideoItem]]:
    splits = {split: read_items(_required(annotations, split), class_names) for split in ('train', 'validation')}
    test = annotation_path(annotations, 'test')
    if test is not None:
        splits['test'] = read_items(test, class_names, labeled=False)
    split_of: dict[str, str] = {}
    for split, items in splits.items():
        for item in items:
            if item.video_id in split_of:
                raise ValueError(
                    f'the clip with id {item.video_id} is both in {split_of[item.video_id]} and in {split}'
                )
            split_of[item.video_id] = split
    return splits


def _required(folder: Path, name: str) -> Path:
    path = annotation_path(folder, name)
    if path is None:
        raise FileNotFoundError(
            f'there is neither something-something-v2-{name}.json nor {name}.json in {folder}: get the label files of '
            'Something-Something V2 from its download page'
        )
    return path


def _find_annotations(root: Path) -> Path:
    candidates = (root, root / 'annotations', root / 'labels')
    return next((folder for folder in candidates if annotation_path(folder, 'labels') is not None), root)


def _find_videos(root: Path, extension: str) -> Path:
    candidates = (root / '20bn-something-something-v2', root / 'videos', root)
    for folder in candidates:
        if folder.is_dir() and next(folder.glob(f'*.{extension}'), None) is not None:
            return folder
    looked = ', '.join(str(folder) for folder in candidates)
    raise FileNotFoundError(
        f'there is no *.{extension} file in any of {looked}. Join the parts of the download and unpack them: '
        'cat 20bn-something-something-v2-?? | tar zx; or name the folder of the videos, or their extension'
    )
