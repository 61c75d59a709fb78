"""Videos and labels in a few large tar files, in the format of WebDataset."""

import json
import re
import tarfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np

from mmvidext.datasets.atomic_write import atomic_path, atomic_write_text, remove_left_behind
from mmvidext.datasets.json_file import read_json
from mmvidext.datasets.listed_videos import ListedVideo, list_targets, read_listed_videos
from mmvidext.datasets.media.files import file_problem, read_bytes
from mmvidext.datasets.media.shard_file import member_path
from mmvidext.datasets.parallel import iterate_with_progress
from mmvidext.datasets.written_files import check_replaceable, write_replaceable
from mmvidext.folder_lock import lock_folder

__all__ = ['Sharding', 'write_shards']

_NUMBER = re.compile('[0-9]{9}')  # of a sample


@dataclass(frozen=True)
class Sharding:
    """What was written: the new lists, how many shards and videos, and how many shards were there already."""

    lists: list[Path]
    num_shards: int
    num_videos: int
    num_kept: int


@dataclass(frozen=True)
class _Shard:
    folder: Path
    path: Path
    videos: tuple[ListedVideo, ...]
    first: int  # number of the first video


def write_shards(
    folder: Path,
    out: Path,
    lists: Sequence[Path],
    *,
    shard_size: int = 2**28,
    seed: int = 0,
    delimiter: str = ' ',
    workers: int = 0,
) -> Sharding:
    """Copy the videos of annotation lists into tar files, and write lists of their places.

    The videos of a list are shuffled, so that a shard has all classes, and put into ``out/<list>-000000.tar`` and so
    on. Each video is a sample of WebDataset: ``000000000.mp4``, and ``000000000.json`` with its path and label. The new
    lists are in the order of the shards. A shard is there only once it is whole; a second run with the same arguments
    keeps those that are there, and writes those anew whose videos or labels have changed. ``out/<list>-source.json``
    says which list and videos they are of, so that another list of that name replaces none; no other file is replaced.

    Args:
        folder: Of the videos.
        out: Where shards and lists go.
        lists: Annotation lists, relative to ``folder``.
        shard_size: Bytes of videos in a shard, at least one video.
        seed: Of the order.
        delimiter: What separates the fields of the lists.
        workers: Processes; 0 works in this one.

    Raises:
        ImportError: If webdataset is not installed.
        FileNotFoundError: If a list or a video is missing.
        ValueError: If something is wrong in a list, two lists differ in their suffixes alone, a video is empty or has
            no suffix, there are shards of other settings or of another list, or a file would be replaced that is none
            of ours. Nothing is written then.
        OSError: If another run uses ``out``, or the disk is full.
    """
    _webdataset()
    if shard_size < 1:
        raise ValueError(f'shard_size must be 1 byte or more, but is {shard_size}')
    targets = list_targets(folder, lists, out)
    for number, target in enumerate(targets):
        if target.stem in [other.stem for other in targets[:number]]:
            raise ValueError(f'the shards of two lists would be named {target.stem}-000000.tar; rename one list')
    plans = []
    for path, target in zip(lists, targets, strict=True):
        videos = read_listed_videos(path, delimiter=delimiter)
        shards = _split(folder, target, _shuffled(videos, seed), shard_size)
        kept = [_is_current(shard) for shard in shards]
        missing = [shard for shard, is_there in zip(shards, kept, strict=True) if not is_there]
        source = dict(list=str(path.resolve()), videos=str(folder.resolve()))
        check_replaceable(target)
        _check_source(target, source, missing)
        plans.append((target, source, shards, missing))
    with lock_folder(out, advice='wait for it, or choose another folder') or nullcontext():
        remove_left_behind(out.glob('.*.tar'))
        for target, source, shards, missing in plans:
            atomic_write_text(_source_file(target), json.dumps(source))
            for _ in iterate_with_progress(_write, missing, description=f'Writing {target.stem}', workers=workers):
                pass
            write_replaceable(target, ''.join(line for shard in shards for line in _lines(shard)))
    num_shards = sum(len(shards) for _, _, shards, _ in plans)
    num_videos = sum(len(shard.videos) for _, _, shards, _ in plans for shard in shards)
    return Sharding(targets, num_shards, num_videos, num_shards - sum(len(missing) for *_, missing in plans))


def _source_file(target: Path) -> Path:
    return target.with_name(f'{target.stem}-source.json')


def _check_source(target: Path, source: dict[str, str], missing: Sequence[_Shard]) -> None:
    """Check that the shards that will be replaced are of this list; those of older versions do not say it."""
    record = _source_file(target)
    replaced = [shard.path for shard in missing if shard.path.exists()]
    if not record.is_file():
        if foreign := [path for path in replaced if not _has_samples(path)]:
            raise ValueError(
                f'{foreign[0]} would be replaced, and is no shard of ours: rename it, or choose another folder than '
                f'{target.parent}'
            )
        return
    before = read_json(record, hint=f'delete it and {target.stem}-*.tar, or choose another folder')
    if not isinstance(before, dict) or before.keys() != source.keys():
        raise ValueError(f'{record} would be replaced, and is none of ours: rename it, or choose another folder')
    if replaced and before != source:
        raise ValueError(
            f'{replaced[0]} is of the list {before["list"]} and the videos in {before["videos"]}, whose shards '
            f'those of {source["list"]} would replace; choose another folder than {target.parent}, or delete it'
        )


def _has_samples(path: Path) -> bool:
    """Whether a tar file begins as a shard does: a number with the suffix of a video, and its description."""
    try:
        with tarfile.open(path, 'r:') as tar:  # not compressed
            names = [member.name for member in islice(tar, 2)]
    except (OSError, tarfile.TarError, ValueError):
        return False
    stems = [name.partition('.')[0] for name in names]
    return len(set(stems)) == 1 and _NUMBER.fullmatch(stems[0]) is not None and f'{stems[0]}.json' in names


def _webdataset() -> Any:
    try:
        import webdataset
    except ImportError as error:
        raise ImportError("shards are written with webdataset: pip install 'mmvidext[shards]'") from error
    return webdataset


def _shuffled(videos: Sequence[ListedVideo], seed: int) -> list[ListedVideo]:
    return [videos[index] for index in np.random.default_rng(seed).permutation(len(videos))]


def _split(folder: Path, target: Path, videos: Sequence[ListedVideo], shard_size: int) -> list[_Shard]:
    groups: list[list[ListedVideo]] = []
    room = 0
    for video in videos:
        source = folder / video.path
        if problem := file_problem(source):
            raise FileNotFoundError(f'{source} {problem}; correct the list, or repair the video')
        if source.suffix.lower() in ('', '.json'):  # it names a video beside its label, K.mp4 and K.json
            raise ValueError(f'{source} has not the suffix of a video, such as .mp4; rename it, and correct the list')
        if source.stat().st_size > room or not groups:
            groups.append([])
            room = shard_size
        groups[-1].append(video)
        room -= source.stat().st_size
    firsts = [0, *accumulate(map(len, groups))]
    paths = [target.with_name(f'{target.stem}-{number:06}.tar') for number in range(len(groups))]
    ours = re.compile(rf'{re.escape(target.stem)}-[0-9]{{6,}}\.tar')  # not train-2024-000000.tar for train.txt
    if stale := sorted({path for path in target.parent.glob('*.tar') if ours.fullmatch(path.name)} - set(paths)):
        raise ValueError(f'{stale[0]} is of a run with other settings; delete it, or choose another folder')
    return [
        _Shard(folder, path, tuple(group), first)
        for path, group, first in zip(paths, groups, firsts[: len(groups)], strict=True)
    ]


def _members(shard: _Shard) -> list[tuple[str, ListedVideo]]:
    """Return the name of each video in the tar file."""
    return [
        (f'{shard.first + number:09}{Path(video.path).suffix.lower()}', video)
        for number, video in enumerate(shard.videos)
    ]


def _description(video: ListedVideo) -> bytes:
    return json.dumps(dict(path=video.path, label=video.rest.strip())).encode()


def _is_current(shard: _Shard) -> bool:
    """Whether the tar file has these videos and labels, and is newer than the videos; a damaged one is not."""
    if not shard.path.is_file():
        return False
    sources = [(shard.folder / video.path).stat() for video in shard.videos]
    try:
        with tarfile.open(shard.path, 'r:') as tar:  # not compressed
            sizes = {member.name: member.size for member in tar}
            texts = [member for member in tar.getmembers() if member.isfile() and member.name.endswith('.json')]
            descriptions = {member.name: file.read() for member in texts if (file := tar.extractfile(member))}
    except (tarfile.TarError, ValueError):  # damaged
        return False
    names = [name for name, _ in _members(shard)]
    same = [sizes.get(name) for name in names] == [source.st_size for source in sources]
    same &= [descriptions.get(f'{Path(name).stem}.json') for name in names] == list(map(_description, shard.videos))
    return same and shard.path.stat().st_mtime_ns > max(source.st_mtime_ns for source in sources)


def _write(shard: _Shard) -> None:
    make = _webdataset().TarWriter  # not given a name: it would run what one like "pipe:..." says
    with atomic_path(shard.path) as temporary, temporary.open('wb') as file, make(file, mtime=0) as writer:
        for name, video in _members(shard):
            key, _, suffix = name.partition('.')
            content = read_bytes(shard.folder / video.path)
            writer.write({'__key__': key, suffix: content, 'json': _description(video)})


def _lines(shard: _Shard) -> list[str]:
    """Return the lines of the list for a shard."""
    with tarfile.open(shard.path) as tar:
        places = {member.name: (member.offset_data, member.size) for member in tar}
    return [video.line(member_path(shard.path.name, *places[name], video.path)) for name, video in _members(shard)]
