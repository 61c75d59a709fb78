"""Videos as folders of frames with something beside each: labels of pixels, or flow. Checked, split and listed."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmvidext.datasets.annotation_lines import fits_line
from mmvidext.datasets.flow_folders import pairs_of_video
from mmvidext.datasets.flow_io import read_flow
from mmvidext.datasets.frame_numbers import check_frame_numbers
from mmvidext.datasets.media.frame_folder import list_pictures
from mmvidext.datasets.media.images import read_image
from mmvidext.datasets.media.label_map import read_label_map
from mmvidext.datasets.media.memory import check_with_memory, fingerprint
from mmvidext.datasets.own_data.clips import split_folders, subfolders
from mmvidext.datasets.own_data.preparation import UNFIT_NAME
from mmvidext.datasets.own_data.splitting import split_by_recording
from mmvidext.datasets.written_files import check_replaceable, write_replaceable

__all__ = ['CheckedFolder', 'PreparedFolders', 'prepare_folders']

MEMORY = 'checked_videos.jsonl'
IGNORED = 255


@dataclass(frozen=True)
class CheckedFolder:
    """What the check of one video found.

    Attributes:
        video: Its name: a folder in ``frames``.
        problem: What is wrong with it, None if nothing.
        num_frames: How many pictures it has.
        num_labeled: How many of them have labels, or flow.
        frame_size: Width and height in pixels.
        suffixes: Of the frames and of what is beside them.
        values: Of label maps, the number of pixels of each value; of flow, the longest vector.
        gap: Between which frames others are missing, None if none are.
    """

    video: str
    problem: str | None
    num_frames: int = 0
    num_labeled: int = 0
    frame_size: tuple[int, int] = (0, 0)
    suffixes: tuple[str, str] = ('', '')
    values: dict[str, float] | None = None
    gap: str | None = None


@dataclass
class PreparedFolders:
    """What a preparation found and wrote.

    Attributes:
        videos: What can be used, by split.
        bad: What cannot.
    """

    videos: dict[str, list[CheckedFolder]]
    bad: list[CheckedFolder]

    @property
    def all(self) -> list[CheckedFolder]:
        """All videos that can be used."""
        return [video for videos in self.videos.values() for video in videos]

    def values(self) -> Counter[int]:
        """Return how many pixels each value of the label maps has."""
        return sum((Counter({int(key): int(n) for key, n in (v.values or {}).items()}) for v in self.all), Counter())


def prepare_folders(
    root: Path, beside: str, out: Path, *, ratio: float = 0.2, seed: int = 0, workers: int = 0
) -> PreparedFolders:
    """Check the videos of ``frames/VIDEO/*`` and ``BESIDE/VIDEO/*``, split them, and write ``train.txt``, ``val.txt``.

    Videos may also lie in ``frames/train/VIDEO`` and ``frames/val/VIDEO``, which then is the split; videos beside these
    are an error.

    Args:
        root: Folder of both.
        beside: ``'labels'`` (class numbers of the pixels) or ``'flow'`` (to the next frame).
        out: Folder to write to.
        ratio: Share of the videos for validation.
        seed: Of the split.
        workers: Processes; 0 works in this one.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If nothing is left for training or validation, the videos differ in the suffix of their files, or
            a list would be replaced that no earlier run has written.
    """
    check_replaceable(out / 'train.txt', out / 'val.txt')
    for folder in (root / 'frames', root / beside):
        if not folder.is_dir():
            raise FileNotFoundError(
                f'there is no folder {folder}: expected frames/VIDEO/* and {beside}/VIDEO/* in {root}'
            )
    tops = subfolders(root / 'frames')
    splits = {top.name: split for top, split in split_folders(tops, _holds_pictures).items()}
    names = [f'{split}/{video.name}' for split in splits for video in subfolders(root / 'frames' / split)]
    names = names or [top.name for top in tops]
    check: Callable[[str], dict[str, Any]] = partial(_check, str(root), beside)
    checked: list[CheckedFolder] = check_with_memory(
        check,
        names,
        out / MEMORY,
        current=lambda name: fingerprint(root / 'frames' / name, root / beside / name),
        description='Checking videos',
        workers=workers,
        restore=_restore,
    )
    checked = [one if fits_line(one.video) else replace(one, problem=UNFIT_NAME) for one in checked]
    good = [one for one in checked if one.problem is None]
    if len(kinds := {one.suffixes for one in good}) > 1:
        raise ValueError(f'all videos must have frames, and {beside}, of one suffix, but there are {sorted(kinds)}')
    result = PreparedFolders(_split(good, splits, ratio, seed), [one for one in checked if one.problem is not None])
    for split, videos in result.videos.items():
        if not videos:
            example = f', for example {result.bad[0].video}: {result.bad[0].problem}' if result.bad else ''
            raise ValueError(
                f'no video is left for {split}: {len(good)} of {len(names)} in {root / "frames"} can be used{example}'
            )
        write_replaceable(out / f'{split}.txt', ''.join(f'{one.video}\n' for one in videos))
    return result


def _split(
    videos: Sequence[CheckedFolder], given: dict[str, str], ratio: float, seed: int
) -> dict[str, list[CheckedFolder]]:
    if given:
        split_of = {one.video: given[one.video.split('/')[0]] for one in videos}
        evaluated = 'val' if 'val' in split_of.values() else 'test'
        wanted = {'train': 'train', 'val': evaluated}
        return {split: [one for one in videos if split_of[one.video] == name] for split, name in wanted.items()}
    # of a video, the classes that it shows; where there are none, only the number of videos is divided
    labels = [
        sorted({int(v) for v in one.values or {} if v.isdecimal() and v != str(IGNORED)}) or [0] for one in videos
    ]
    chosen = split_by_recording(labels, [one.video for one in videos], ratio=ratio, seed=seed)
    return {
        split: [one for one, held in zip(videos, chosen, strict=True) if held is is_val]
        for split, is_val in (('train', False), ('val', True))
    }


def _holds_pictures(folder: Path) -> bool:
    return any(list_pictures(one) for one in (folder, *subfolders(folder)))


def _restore(found: dict[str, Any]) -> CheckedFolder:
    width, height = map(int, found['frame_size'])
    frames, beside = map(str, found['suffixes'])
    values = {str(key): float(value) for key, value in dict(found['values'] or {}).items()}
    numbers = int(found['num_frames']), int(found['num_labeled'])
    kinds = (width, height), (frames, beside)
    return CheckedFolder(str(found['video']), found['problem'], *numbers, *kinds, values, found['gap'])


def _check(root: str, beside: str, video: str) -> dict[str, Any]:
    look = _look_at_labels if beside == 'labels' else _look_at_flow
    try:
        return vars(look(Path(root), video))
    except (OSError, ValueError) as error:
        return vars(CheckedFolder(video, str(error)))


def _read_frames(paths: Sequence[Path], folder: Path) -> tuple[int, int]:
    """Read every frame of a video; return their width and height."""
    if not paths:
        raise ValueError(f'{folder} holds no picture')
    _check_suffix(paths, folder)
    first: tuple[int, int] | None = None
    for path in paths:
        size = read_image(str(path)).shape[1::-1]
        first = first or (size[0], size[1])
        if size != first:
            raise ValueError(f'{path} is {size[0]}x{size[1]}, but the first frame is {first[0]}x{first[1]}')
    return first or (0, 0)


def _check_suffix(paths: Sequence[Path], folder: Path) -> None:
    """The config names one suffix; files with another one would not be found."""
    if len(suffixes := {path.suffix for path in paths}) > 1:
        raise ValueError(f'the pictures in {folder} must have one suffix, but have {", ".join(sorted(suffixes))}')


def _look_at_labels(root: Path, video: str) -> CheckedFolder:
    frames = list_pictures(root / 'frames' / video)
    size = _read_frames(frames, root / 'frames' / video)
    stems = [path.stem for path in frames]
    gap = check_frame_numbers(stems, video)
    labels = list_pictures(root / 'labels' / video) if (root / 'labels' / video).is_dir() else []
    if not labels:
        raise ValueError(f'{root / "labels" / video} holds no label map')
    _check_suffix(labels, root / 'labels' / video)
    counts = np.zeros(256, np.int64)
    known = set(stems)
    for path in labels:
        if path.stem not in known:
            raise ValueError(f'{path} has no frame of its name')
        image = read_label_map(str(path), str(root / 'frames' / video), size[::-1])
        counts += np.bincount(image.ravel(), minlength=256)
    values = {str(value): float(counts[value]) for value in np.flatnonzero(counts)}
    suffixes = frames[0].suffix, labels[0].suffix
    return CheckedFolder(video, None, len(frames), len(labels), size, suffixes, values, gap)


def _look_at_flow(root: Path, video: str) -> CheckedFolder:
    frames = list_pictures(root / 'frames' / video)
    size = _read_frames(frames, root / 'frames' / video)
    (pairs, gap), longest = pairs_of_video(root, video), 0.0
    for pair in pairs:
        flow, valid = read_flow(pair['flow_path'])
        if valid.shape[::-1] != size:
            raise ValueError(
                f'{pair["flow_path"]} is {valid.shape[1]}x{valid.shape[0]}, but its frame is {size[0]}x{size[1]}'
            )
        if not valid.any():
            raise ValueError(f'{pair["flow_path"]} holds no known vector: write it anew, or remove it')
        longest = max(longest, float(np.linalg.norm(flow, axis=2)[valid].max()))
    suffixes = frames[0].suffix, Path(pairs[0]['flow_path']).suffix
    return CheckedFolder(video, None, len(frames), len(pairs), size, suffixes, {'longest': longest}, gap)
