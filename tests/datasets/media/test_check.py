import json
import os

import cv2
import numpy as np
import pytest

from mmvidext.datasets.media import check as video_check
from mmvidext.datasets.media.check import check_video, check_videos
from mmvidext.datasets.media.memory import check_with_memory, checked_names, fingerprint
from mmvidext.datasets.own_data.video_folders import prepare_folders
from tests.datasets.videos import write_bad_videos, write_video


@pytest.fixture
def good(tmp_path):
    path = tmp_path / 'good.webm'
    write_video(path, num_frames=20)
    return path


def test_a_good_video_has_no_problem(good):
    checked = check_video(str(good))
    assert checked.problem is None
    assert checked.size == good.stat().st_size


def test_each_kind_of_damage_is_found(good, tmp_path):
    for name, message in write_bad_videos(tmp_path, good).items():
        problem = check_video(str(tmp_path / name)).problem
        assert any(part in problem for part in message.split('|')), problem


def test_damage_in_the_middle_is_found(good, tmp_path):
    content = bytearray(good.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = bytes(third)
    path = tmp_path / 'hole.webm'
    path.write_bytes(content)
    assert 'frames are left' in check_video(str(path)).problem


def test_only_what_is_new_changed_or_bad_is_checked_again(good, tmp_path, monkeypatch):
    paths = [str(tmp_path / name) for name in ('a.webm', 'b.webm', 'c.webm')]
    for path in paths[:2]:
        write_video(tmp_path / path)
    calls = []
    original = video_check.check_video
    monkeypatch.setattr(video_check, 'check_video', lambda path: calls.append(path) or original(path))
    memory = tmp_path / 'memory.jsonl'
    assert [checked.problem for checked in check_videos(paths, memory)] == [None, None, 'does not exist']
    assert calls == paths
    write_video(tmp_path / 'c.webm')
    write_video(tmp_path / 'a.webm', seed=1, num_frames=9)
    calls.clear()
    assert [checked.problem for checked in check_videos(paths, memory)] == [None, None, None]
    assert calls == [paths[0], paths[2]]
    calls.clear()
    check_videos(paths, memory)
    assert calls == []


def test_an_interrupted_check_continues_where_it_stopped(tmp_path, monkeypatch):
    paths = [str(tmp_path / f'{number}.webm') for number in range(4)]
    for path in paths:
        write_video(tmp_path / path)
    original, calls = video_check.check_video, []

    def interrupted(path):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(path)
        return original(path)

    memory = tmp_path / 'memory.jsonl'
    monkeypatch.setattr(video_check, 'check_video', interrupted)
    with pytest.raises(KeyboardInterrupt):
        check_videos(paths, memory)
    with memory.open('a') as file:
        file.write(json.dumps({'path': paths[2]})[:9])  # a line that was cut off
    calls.clear()
    monkeypatch.setattr(video_check, 'check_video', lambda path: calls.append(path) or original(path))
    assert all(checked.problem is None for checked in check_videos(paths, memory))
    assert calls == paths[2:]
    calls.clear()
    check_videos(paths, memory)
    assert calls == []


@pytest.mark.parametrize(
    'finding',
    [
        {'problem': None},
        {'problem': None, 'frame_size': 5},
        {'problem': None, 'frame_size': [1, 2], 'num_frames': 'many'},
        {'problem': None, 'frame_size': [1, 2], 'num_frames': float('inf')},
        [],
    ],
)
def test_a_line_that_is_no_finding_is_as_if_it_were_not_there(finding, good, tmp_path):
    """The memory may have come with the data."""
    memory = tmp_path / 'memory.jsonl'
    whole = {'path': str(good), 'size': 1, 'frame_rate': 1.0, **finding} if finding else finding
    lines = [json.dumps([str(good), fingerprint(good), whole]), '[' * 100_000, '[[], [], {"problem": null}]']
    memory.write_bytes('\n'.join(lines).encode() + b'\xff')
    assert check_videos([str(good)], memory) == [check_video(str(good))]


def test_a_first_line_that_was_cut_off_spoils_no_other(tmp_path):
    memory, calls = tmp_path / 'memory.jsonl', []
    memory.write_text('["a", [1,')
    for _ in range(2):
        check_with_memory(
            lambda name: calls.append(name) or dict(problem=None), ['a'], memory, current=lambda _: [1], description=''
        )
    assert calls == ['a']


def test_a_folder_is_checked_again_where_the_memory_holds_no_finding(tmp_path):
    for part, channels in (('frames', (3,)), ('labels', ())):
        for video in 'abc':
            (tmp_path / part / video).mkdir(parents=True)
            cv2.imwrite(str(tmp_path / part / video / '0.png'), np.ones((4, 4, *channels), np.uint8))
    found = prepare_folders(tmp_path, 'labels', tmp_path / 'out')
    memory = tmp_path / 'out' / 'checked_videos.jsonl'
    lines = [json.loads(line) for line in memory.read_text().splitlines()]
    memory.write_text(''.join(json.dumps([*one[:2], {'problem': None}]) + '\n' for one in lines))
    assert prepare_folders(tmp_path, 'labels', tmp_path / 'out') == found
    assert prepare_folders(tmp_path, 'labels', tmp_path / 'out') == found


def _die(name):
    os._exit(1) if name == 'b' else None
    return {'problem': None}


def test_a_worker_that_dies_is_one_line_and_what_was_found_is_kept(tmp_path):
    memory = tmp_path / 'memory.jsonl'
    options = dict(current=lambda name: [1, 1], description='')
    with pytest.raises(ValueError, match='a process that checks files died'):
        check_with_memory(_die, ['b'], memory, workers=1, **options)
    assert check_with_memory(_die, ['a'], memory, **options) == [{'problem': None}]
    assert memory.read_text() == '["a", [1, 1], {"problem": null}]\n'
    memory.write_text('["a", [1,')  # cut off in its first line
    assert check_with_memory(_die, ['a'], memory, **options) == [{'problem': None}]
    assert checked_names(memory) == {'a'}
