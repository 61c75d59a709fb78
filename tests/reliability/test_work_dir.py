"""A work directory belongs to one run, and can take its checkpoints."""

import errno
import os
import signal
import time
from pathlib import Path

import pytest

from mmvidext.cli.train import train as train_command
from mmvidext.engine import RunError
from mmvidext.engine.work_dir import check_room, lock_work_dir
from tests.cli.invoke import invoke
from tests.reliability.tiny_run import config, in_child, newest, train


def hold(work_dir, started, seconds=60):
    lock = lock_work_dir(work_dir)
    assert lock is not None
    started.write_text('')
    time.sleep(seconds)


def start_holder(work_dir, tmp_path):
    child = os.fork()
    if child == 0:
        hold(work_dir, tmp_path / 'started')
        os._exit(0)
    while not (tmp_path / 'started').exists():
        time.sleep(0.01)
    return child


def test_the_second_run_is_refused_and_a_dead_one_holds_nothing(tmp_path):
    work_dir = tmp_path / 'run'
    child = start_holder(work_dir, tmp_path)
    try:
        with pytest.raises(RunError, match=rf'run is in use by process {child} on .*use another --work-dir'):
            lock_work_dir(work_dir)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert (work_dir / '.lock').read_text().startswith(f'process {child}')  # its file stays, and means nothing
    lock = lock_work_dir(work_dir)
    assert lock is not None
    lock.close()


def test_a_lock_that_is_a_link_empties_no_file_elsewhere(tmp_path):
    outside = tmp_path / 'outside.txt'
    outside.write_text('mine')
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / '.lock').symlink_to(outside)
    with pytest.raises(RunError, match=r'run cannot be written to: .*symbolic links: .*\.lock'):
        lock_work_dir(tmp_path / 'run')
    assert outside.read_text() == 'mine'


def test_a_killed_run_with_live_workers_holds_nothing(tmp_path):
    """Workers outlive a killed run by some seconds; the lock is not theirs."""
    assert in_child(train, config(tmp_path, workers=2, persistent=True), kill=dict(at=8)) == -signal.SIGKILL
    assert in_child(train, config(tmp_path), resume=newest(tmp_path)) == 0


def second(cfg):
    try:
        train(cfg)
    except RunError as error:
        os._exit(3 if 'is in use by' in str(error) else 4)


def test_two_runs_in_one_directory(tmp_path):
    child = start_holder(tmp_path, tmp_path)
    try:
        assert in_child(second, config(tmp_path)) == 3
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert list(tmp_path.glob('*.pth')) == []


def test_two_runs_with_one_folder_of_checkpoints(tmp_path):
    """Their work directories differ, but have the same name, which mmengine adds to ``out_dir``."""
    child = start_holder(tmp_path / 'saved' / 'run', tmp_path)
    hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1, out_dir=str(tmp_path / 'saved')))
    try:
        assert in_child(second, config(tmp_path / 'other' / 'run', default_hooks=hooks)) == 3
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert list((tmp_path / 'saved' / 'run').glob('*.pth')) == []


def test_too_little_room_is_said_before_training(tmp_path):
    with pytest.raises(RunError, match=r'MiB free, but a checkpoint .* takes up to 953674316 MiB: make room'):
        check_room(tmp_path, 10**15)
    check_room(tmp_path, 1000)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_to(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(RunError, match=r'no checkpoint can be written to .*file'):
        check_room(tmp_path / 'file' / 'run', 1)
    with pytest.raises(RunError, match='cannot be written to'):
        lock_work_dir(tmp_path / 'file' / 'run')
    with pytest.raises(RunError, match='no checkpoint can be written to /proc/none'):
        check_room(Path('/proc/none'), 1)  # root may write nearly anywhere, but not there


def test_a_full_disk_is_said_before_anything_is_written(tmp_path, monkeypatch):
    work_dir = tmp_path / 'run'

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, 'write_bytes', full)
    output = invoke(train_command, 'mmvidext::demo/tsm_r18_camera_demo.py', '--work-dir', work_dir, status=1)
    assert output == (
        f'Error: no log can be written to {work_dir}: No space left on device: make room or use another --work-dir\n'
    )
    assert list(work_dir.iterdir()) == []


def test_what_a_killed_run_was_writing_is_removed(tmp_path):
    (tmp_path / '.epoch_9.pth.partial').write_bytes(b'half')  # a name that this run does not write
    assert in_child(train, config(tmp_path)) == 0
    assert list(tmp_path.glob('.*partial')) == []
