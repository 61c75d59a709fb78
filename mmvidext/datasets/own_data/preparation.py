"""From clips in any form to lists whose every video is known to open."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmvidext.datasets.annotation_lines import fits_line, leads_outside
from mmvidext.datasets.media.check import CheckedVideo, check_videos
from mmvidext.datasets.own_data.clips import SPLITS, Clip, Listing
from mmvidext.datasets.own_data.recordings import find_recordings
from mmvidext.datasets.own_data.splitting import split_by_recording
from mmvidext.datasets.written_files import check_replaceable, remove_written, write_replaceable

__all__ = ['CLASSES_FILE', 'MEMORY', 'UNFIT_NAME', 'PreparedClip', 'PreparedVideos', 'list_file', 'prepare_videos']

CLASSES_FILE = 'classes.txt'
MEMORY = 'checked_videos.jsonl'
UNFIT_NAME = 'has a line end, tab, control character, outer space or bytes that are no UTF-8 in its name: rename it'


@dataclass(frozen=True)
class PreparedClip:
    """A clip that is in the lists.

    Attributes:
        clip: What the form says; its split is decided.
        checked: What the check found.
        recording: What it was cut from.
    """

    clip: Clip
    checked: CheckedVideo
    recording: str

    @property
    def seconds(self) -> float:
        """How long it is, 0 if its frame rate is unknown."""
        rate = self.checked.frame_rate
        return self.checked.num_frames / rate if rate else 0.0


@dataclass
class PreparedVideos:
    """What a preparation found and wrote.

    Attributes:
        listing: What the form says.
        clips: The clips in the lists.
        bad: Those that are not, with the problem.
        notes: What the user should know.
    """

    listing: Listing
    clips: list[PreparedClip]
    bad: list[CheckedVideo]
    notes: list[str]

    @property
    def splits(self) -> list[str]:
        """The splits that have a list, in order."""
        used = {clip.clip.split for clip in self.clips}
        return [split for split in SPLITS if split in used]

    @property
    def leads_outside(self) -> bool:
        """Whether a path leads out of the root of the listing."""
        return any(leads_outside(clip.clip.path) for clip in self.clips)


def list_file(out: Path, split: str) -> Path:
    """Return where the list of a split is."""
    return out / f'{split}.txt'


def prepare_videos(
    listing: Listing,
    out: Path,
    *,
    recordings: str | None = None,
    ratio: float = 0.2,
    seed: int = 0,
    workers: int = 0,
) -> PreparedVideos:
    """Check every video, split what is not split, and write ``train.txt``, ``val.txt`` and ``classes.txt``.

    A line of a list is a path, relative to the root of the listing, a tab, and the number of the class. Videos that
    cannot be read are left out. What was found good is remembered in ``checked_videos.jsonl``: an interrupted check
    goes on where it stopped. Only lists that an earlier run has written are replaced.

    Args:
        listing: The clips.
        out: Folder to write to.
        recordings: See :func:`~mmvidext.datasets.own_data.recordings.find_recordings`.
        ratio: Share of each class for validation.
        seed: Of the split.
        workers: Processes; 0 works in this one.

    Raises:
        ValueError: If there are fewer than two classes, nothing is left for training or validation, or a file would be
            replaced that no earlier run has written.
    """
    check_replaceable(*(list_file(out, split) for split in SPLITS), out / CLASSES_FILE)
    if len(listing.classes) < 2:
        raise ValueError(f'{listing.root} has one class only, {listing.classes}: there is nothing to tell apart')
    if wrong := [name for name in listing.classes if not fits_line(name)]:
        raise ValueError(
            f'the name of a class must be one line of UTF-8 without spaces at its ends, but there is {wrong[0]!r}'
        )
    paths = [str(listing.root / clip.path) for clip in listing.clips]
    findings = check_videos(paths, out / MEMORY, workers=workers)
    findings = [_check_name(clip, found) for clip, found in zip(listing.clips, findings, strict=True)]
    findings, notes = _without_repeated(listing, findings)
    good = [(clip, found) for clip, found in zip(listing.clips, findings, strict=True) if found.problem is None]
    sizes = {clip.path: found.size for clip, found in good}
    readable = [clip for clip, _ in good]
    names, more = find_recordings(listing.root, readable, sizes, classes=listing.classes, pattern=recordings)
    splits = _splits(readable, names, ratio, seed)
    clips = [
        PreparedClip(replace(clip, split=split), found, name)
        for (clip, found), name, split in zip(good, names, splits, strict=True)
    ]
    bad = [found for found in findings if found.problem is not None]
    result = PreparedVideos(listing, clips, bad, [*listing.notes, *notes, *more])
    _check_splits(result)
    _write(result, out)
    return result


def _check_name(clip: Clip, found: CheckedVideo) -> CheckedVideo:
    if found.problem is None and not fits_line(clip.path):
        return replace(found, problem=UNFIT_NAME)
    return found


def _without_repeated(listing: Listing, findings: list[CheckedVideo]) -> tuple[list[CheckedVideo], list[str]]:
    """A path that is listed twice would be in two splits, or have two classes; the first one counts."""
    seen: set[str] = set()
    result, repeated = [], 0
    for clip, found in zip(listing.clips, findings, strict=True):
        if clip.path in seen and found.problem is None:
            found = replace(found, problem='is listed already')
            repeated += 1
        seen.add(clip.path)
        result.append(found)
    return result, [f'{repeated} lines name a video that an earlier line has'] if repeated else []


def _splits(clips: Sequence[Clip], recordings: Sequence[str], ratio: float, seed: int) -> list[str]:
    """Return the split of each clip: the one that it has, or ours where none is given for validation."""
    given = {clip.split for clip in clips}
    if 'val' in given:
        return [clip.split or 'train' for clip in clips]
    if 'test' in given:
        return ['val' if clip.split == 'test' else 'train' for clip in clips]
    chosen = split_by_recording([[clip.label] for clip in clips], recordings, ratio=ratio, seed=seed)
    return ['val' if is_chosen else 'train' for is_chosen in chosen]


def _check_splits(result: PreparedVideos) -> None:
    for split in ('train', 'val'):
        if split not in result.splits:
            why = f'{len(result.bad)} of {len(result.listing.clips)} videos cannot be read'
            example = f', for example {result.bad[0].path} {result.bad[0].problem}' if result.bad else ''
            raise ValueError(
                f'no video is left for {split}: {why}{example}; a class needs two recordings, one for validation'
            )
    classes = result.listing.classes
    for split in ('train', 'val'):
        counts = Counter(clip.clip.label for clip in result.clips if clip.clip.split == split)
        if missing := [name for label, name in enumerate(classes) if not counts[label]]:
            result.notes.append(
                f'{split} has no video of {", ".join(missing)}: one that can be read, of another recording'
            )


def _write(result: PreparedVideos, out: Path) -> None:
    for split in SPLITS:
        lines = [f'{one.clip.path}\t{one.clip.label}\n' for one in result.clips if one.clip.split == split]
        if lines:
            write_replaceable(list_file(out, split), ''.join(lines))
        else:
            remove_written(list_file(out, split))
    write_replaceable(out / CLASSES_FILE, ''.join(f'{name}\n' for name in result.listing.classes))
