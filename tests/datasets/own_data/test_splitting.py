"""No recording is on both sides, and no class without its share."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvidext.datasets.own_data.clips import Clip
from mmvidext.datasets.own_data.recordings import find_recordings
from mmvidext.datasets.own_data.splitting import split_by_recording


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=1, max_size=120), st.integers(0, 9))
def test_no_recording_is_divided_and_every_class_is_trained(clips, seed):
    labels, recordings = [[label] for label, _ in clips], [str(number) for _, number in clips]
    held = split_by_recording(labels, recordings, seed=seed)
    assert {r for r, is_held in zip(recordings, held, strict=True) if is_held}.isdisjoint(
        r for r, is_held in zip(recordings, held, strict=True) if not is_held
    )
    assert {label for label, _ in clips} == {
        label for (label, _), is_held in zip(clips, held, strict=True) if not is_held
    }
    assert held == split_by_recording(labels, recordings, seed=seed)


def test_each_class_in_proportion():
    labels = [[0]] * 100 + [[1]] * 10 + [[2]] * 3 + [[3]]
    held = split_by_recording(labels, [str(number) for number in range(len(labels))], ratio=0.2)
    counts = Counter(label for (label,), is_held in zip(labels, held, strict=True) if is_held)
    assert counts == {0: 20, 1: 2, 2: 1}
    with pytest.raises(ValueError, match='between 0 and 1, but is 1'):
        split_by_recording(labels, ['a'] * len(labels), ratio=1)


CLASSES = ('left 左', 'right')


def clips_of(root, *names):
    for name in names:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(name.encode() * 3)
    return [Clip(name, int(name.split('/')[0] == 'b')) for name in names]


def test_recordings_by_name_folder_and_content(tmp_path):
    names = (
        'a/v_X_g01_c01.avi',
        'a/v_X_g01_c02.avi',
        'a/v_X_g02_c01.avi',
        'b/Match 3 clip 12.mp4',
        'b/copy.mp4',
        'b/y.mp4',
    )
    clips = clips_of(tmp_path, *names)
    (tmp_path / 'b/copy.mp4').write_bytes((tmp_path / 'b/y.mp4').read_bytes())
    sizes = {name: (tmp_path / name).stat().st_size for name in names}
    recordings, notes = find_recordings(tmp_path, clips, sizes, classes=CLASSES)
    assert recordings == ['v_X_g01', 'v_X_g01', 'v_X_g02', 'Match 3', 'b/copy.mp4', 'b/copy.mp4']
    assert notes == ['copies of other files: 1, for example b/y.mp4 = b/copy.mp4']
    (tmp_path / 'a/v_X_g02_c01.avi').write_bytes((tmp_path / 'b/y.mp4').read_bytes())
    sizes['a/v_X_g02_c01.avi'] = sizes['b/y.mp4']
    _, notes = find_recordings(tmp_path, clips, sizes, classes=CLASSES)
    assert 'the same video is in two classes, and one of them is wrong: b/copy.mp4 = a/v_X_g02_c01.avi' in notes
    assert find_recordings(tmp_path, clips, {}, classes=CLASSES, pattern='(v_X|Match)')[0][:4] == [
        'v_X',
        'v_X',
        'v_X',
        'Match',
    ]
    with pytest.raises(ValueError, match='must be an expression with a group'):
        find_recordings(tmp_path, clips, {}, classes=CLASSES, pattern='v_X')


def test_names_that_would_leave_one_recording_are_not_believed(tmp_path):
    clips = clips_of(tmp_path, 'a/video_clip_1.mp4', 'a/video_clip_2.mp4', 'b/1.mp4', 'b/2.mp4')
    recordings, notes = find_recordings(tmp_path, clips, {}, classes=CLASSES)
    assert len(set(recordings)) == 4
    assert notes == [
        "the names of all videos of 'left 左' begin alike, as if a class had one recording only; each of these "
        'files was taken for a recording of its own: if they belong together, say which with --recordings EXPRESSION'
    ]
    more = clips_of(tmp_path, 'b/Match 1 clip 1.mp4', 'b/Match 1 clip 2.mp4', 'b/Match 2 clip 1.mp4')
    recordings, _ = find_recordings(tmp_path, [*clips, *more], {}, classes=CLASSES)
    assert recordings == [*(clip.path for clip in clips), 'Match 1', 'Match 1', 'Match 2']  # of the others they are


def test_a_single_folder_in_a_class_is_one_recording(tmp_path):
    """It is no guess by names: it is kept, without a note that says otherwise."""
    clips = [Clip(f'a/day/{number}.mp4', 0, 'day') for number in range(2)]
    clips += [Clip(f'b/Match {number // 2} clip {number}.mp4', 1) for number in range(4)]
    recordings, notes = find_recordings(tmp_path, clips, {}, classes=CLASSES)
    assert recordings == ['day', 'day', 'Match 0', 'Match 0', 'Match 1', 'Match 1']
    assert notes == []


def test_of_many_classes_some_are_named(tmp_path):
    names = [f'class {number:02d}' for number in range(8)]
    clips = [Clip(f'{name}/v clip {number}.mp4', label) for label, name in enumerate(names) for number in range(2)]
    _, (note,) = find_recordings(tmp_path, clips, {}, classes=names)
    assert (
        "all videos of 'class 00', 'class 01', 'class 02', 'class 03', 'class 04' and 3 more classes begin alike"
        in note
    )
