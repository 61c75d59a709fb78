"""Which clips were cut from the same recording: they must not be divided between training and validation."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from mmvidext.datasets.own_data.clips import Clip
from mmvidext.file_digest import sha256_of

__all__ = ['find_recordings']

# the recording is what the first group matches in the name of a file without suffix
_RULES = (
    r'(v_.+_g\d+)_c\d+',  # UCF101
    r'(.+?)_[a-z]+_[fhlu]_[cn][mp]\d?_(?:np\d_)?(?:ba|fr|le|ri)_(?:bad|goo|med)_\d+',  # HMDB51
    r'(.{11})_\d{6}_\d{6}',  # Kinetics: the id of the video, begin and end
    r'(?i:(.*[^\s._-])[\s._-]*(?:clip|part|seg|segment|scene|shot|cut|chunk|片段|片|段)[\s._-]*\d+)',
)
_MOST_NAMES = 5


def find_recordings(
    root: Path,
    clips: Sequence[Clip],
    sizes: Mapping[str, int],
    *,
    classes: Sequence[str],
    pattern: str | None = None,
) -> tuple[list[str], list[str]]:
    """Say what each clip was cut from.

    In this order: what the form of the data says; the first group of ``pattern``; the names that UCF101, HMDB51 and
    Kinetics have, and names such as ``match 3 clip 12``; else each file is a recording of its own. Files with the same
    bytes are of one recording. The names of a class are not believed where they would leave it with one recording only.

    Args:
        root: What the paths are relative to.
        clips: All of them.
        sizes: Bytes of the files, by path.
        classes: Names of the classes, for the notes.
        pattern: Expression that a name without suffix matches from its beginning.

    Returns:
        A name of a recording for each clip, and notes for the user.

    Raises:
        ValueError: If the pattern is no expression with a group.
    """
    notes = []
    if pattern is None:
        recordings = [clip.recording or _by_rules(clip.path) for clip in clips]
        if unbelievable := _classes_of_one_recording(clips, recordings):
            recordings = [
                clip.path if clip.label in unbelievable else name for clip, name in zip(clips, recordings, strict=True)
            ]
            named = _listed([classes[label] for label in unbelievable])
            notes.append(
                f'the names of all videos of {named} begin alike, as if a class had one recording only; each of these '
                'files was taken for a recording of its own: if they belong together, say which with --recordings '
                'EXPRESSION'
            )
    else:
        recordings = [_by_pattern(clip, pattern) for clip in clips]
    same = _same_content(root, clips, sizes)
    if same:
        notes.append(f'copies of other files: {len(same)}, for example {" = ".join(next(iter(same.items())))}')
        labels = {clip.path: clip.label for clip in clips}
        notes += [
            f'the same video is in two classes, and one of them is wrong: {copy} = {original}'
            for copy, original in same.items()
            if labels[copy] != labels[original]
        ]
        first = {clip.path: recording for clip, recording in zip(clips, recordings, strict=True)}
        recordings = [first[same.get(clip.path, clip.path)] for clip in clips]
    return recordings, notes


def _by_rules(path: str) -> str:
    stem = PurePosixPath(path).stem
    return next((found[1] for rule in _RULES if (found := re.fullmatch(rule, stem))), path)


def _by_pattern(clip: Clip, pattern: str) -> str:
    try:
        found = re.match(pattern, PurePosixPath(clip.path).stem)
        return found[1] if found else clip.recording or clip.path
    except (re.error, IndexError) as error:
        raise ValueError(
            f'{pattern!r} must be an expression with a group, such as (cam\\d+_day\\d+): {error}'
        ) from error


def _listed(names: Sequence[str]) -> str:
    more = f' and {len(names) - _MOST_NAMES} more classes' if len(names) > _MOST_NAMES else ''
    return ', '.join(map(repr, names[:_MOST_NAMES])) + more


def _classes_of_one_recording(clips: Sequence[Clip], recordings: Sequence[str]) -> list[int]:
    """Return the classes that have several clips and, by the names of the files alone, one recording."""
    counts = Counter(clip.label for clip in clips)
    found: dict[int, set[str]] = defaultdict(set)
    for clip, recording in zip(clips, recordings, strict=True):
        found[clip.label].add(recording)
    given = {clip.label for clip in clips if clip.recording is not None}
    single = {label for label, names in found.items() if counts[label] > 1 and len(names) == 1}
    return sorted(single - given)


def _same_content(root: Path, clips: Sequence[Clip], sizes: Mapping[str, int]) -> dict[str, str]:
    """Return for each copy of a file the first one. Only files of the same size are compared."""
    count = Counter(sizes.get(clip.path, -1) for clip in clips)
    first: dict[str, str] = {}
    copies = {}
    for clip in clips:
        size = sizes.get(clip.path, -1)
        if size > 0 and count[size] > 1 and (root / clip.path).is_file():
            digest = sha256_of(root / clip.path)
            if (original := first.setdefault(digest, clip.path)) != clip.path:
                copies[clip.path] = original
    return copies
