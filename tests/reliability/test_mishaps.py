"""What happens to a run of a week around it: disks that fill, folders that move, connections that end."""

import errno
import os
import re
import shutil
import signal
import stat
import time
from pathlib import Path

import pytest
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from mmvidext.engine import RunError
from mmvidext.engine.resume_point import find_resume_point
from mmvidext.engine.whole_file import WholeFileBackend, file_damage, write_whole
from tests.reliability.tiny_run import config, in_child, newest, train
from tools.chaos import differences, state


@HOOKS.register_module(force=True)
class MishapHook(Hook):
    """Calls a function of this module in the eighth iteration, in the second epoch."""

    def __init__(self, name):
        self.name = name

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 7:
            globals()[self.name](Path(runner.work_dir))


def train_with(mishap, work_dir, **options):
    """Return the exit code of a run to which something happens."""
    cfg = config(work_dir, **options)
    cfg['custom_hooks'].append(dict(type='MishapHook', name=mishap))
    return in_child(train, cfg)


def assert_equal(work_dir, reference):
    assert file_damage(newest(work_dir)) is None
    assert list(differences(state(newest(work_dir)), state(newest(reference())))) == []


def fill_the_disk_for_a_minute(work_dir):
    fsync, slept = os.fsync, []

    def full(handle):
        if os.readlink(f'/proc/self/fd/{handle}').endswith('epoch_2.pth.partial') and sum(slept) < 60:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    os.fsync, time.sleep = full, slept.append


def set_the_clock_back(work_dir):
    now = time.time
    time.time = lambda: now() - 3600


def remove_the_logs(work_dir):
    for path in work_dir.glob('*/vis_data'):
        shutil.rmtree(path)


def protect_the_first_checkpoint(work_dir):
    remove = os.remove

    def refuse(path, **options):
        if str(path).endswith('epoch_1.pth'):
            raise PermissionError(errno.EPERM, 'Operation not permitted', path)
        remove(path, **options)

    os.remove = refuse


def put_folders_in_the_way(work_dir):
    (work_dir / 'last_checkpoint').unlink(missing_ok=True)
    for name in ('last_checkpoint', 'bad_files.txt'):
        (work_dir / name).mkdir()


def rename_the_work_dir(work_dir):
    work_dir.rename(work_dir.with_name('renamed'))


@pytest.mark.parametrize(
    'mishap',
    [
        'fill_the_disk_for_a_minute',
        'set_the_clock_back',
        'remove_the_logs',
        'protect_the_first_checkpoint',
        'put_folders_in_the_way',
        'rename_the_work_dir',
    ],
)
def test_the_run_goes_on_to_the_same_end(mishap, reference, tmp_path):
    visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
    assert train_with(mishap, tmp_path / 'run', visualizer=visualizer) == 0
    assert_equal(tmp_path / 'run', reference)


@pytest.mark.skipif(os.name == 'nt', reason='names are Unicode there')
def test_a_directory_whose_name_is_no_utf_8(reference, tmp_path):
    work_dir = Path(os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9'))
    assert in_child(train, config(work_dir), kill=dict(at=8)) == -signal.SIGKILL
    assert in_child(train, config(work_dir), resume=find_resume_point(work_dir)) == 0
    assert_equal(work_dir, reference)


def test_a_work_directory_behind_a_link(reference, tmp_path):
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'link').symlink_to('disk')
    assert in_child(train, config(tmp_path / 'link'), kill=dict(at=14)) == -signal.SIGKILL
    assert in_child(train, config(tmp_path / 'disk'), resume=newest(tmp_path / 'disk')) == 0
    assert_equal(tmp_path / 'link', reference)
    assert sorted(path.name for path in (tmp_path / 'disk').glob('epoch_*.pth')) == ['epoch_2.pth', 'epoch_3.pth']


def with_handler(handler, cfg, **options):
    signal.signal(signal.SIGHUP, handler)
    train(cfg, **options)


def test_the_end_of_the_connection_is_a_signal_to_save(reference, tmp_path):
    kill = dict(at=8, number=int(signal.SIGHUP))
    assert in_child(with_handler, signal.SIG_DFL, config(tmp_path), kill=kill) == 75
    kill['at'] = 10
    resume = find_resume_point(tmp_path)
    assert resume == tmp_path / 'preempted.pth'
    assert in_child(with_handler, signal.SIG_IGN, config(tmp_path), kill=kill, resume=resume) == 0  # as nohup has it
    assert_equal(tmp_path, reference)


def test_a_disk_that_stays_full_is_not_waited_for_without_end(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    slept = []
    WholeFileBackend().put(b'old', tmp_path / 'a.pth')
    monkeypatch.setattr(os, 'fsync', full)
    monkeypatch.setattr(time, 'sleep', slept.append)
    with pytest.raises(OSError, match='No space left'):
        WholeFileBackend().put(b'new', tmp_path / 'a.pth')
    assert sum(slept) == 120
    with pytest.raises(OSError, match='No space left'):
        write_whole(tmp_path / 'list.txt', b'new')  # what is no checkpoint is not waited for
    assert sum(slept) == 120
    assert (tmp_path / 'a.pth').read_bytes() == b'old'
    assert file_damage(tmp_path / 'a.pth') is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.pth', 'a.pth.sha256']


@pytest.mark.parametrize(
    ('call', 'number', 'when'),
    [
        ('replace', errno.EIO, 'before'),
        ('replace', errno.ESTALE, 'before'),
        ('replace', errno.ENOENT, 'after'),  # what a file server says that is asked again for what it has done
        ('unlink', errno.EIO, 'before'),
        ('fsync', errno.EIO, 'after'),
    ],
)
def test_any_call_of_a_file_server_that_does_not_answer_is_tried_again(call, number, when, tmp_path, monkeypatch):
    real, calls, slept = getattr(os, call), [], []

    def fail_once(*args, **options):
        calls.append(call)
        if len(calls) > 1:
            return real(*args, **options)
        if when == 'after':
            real(*args, **options)
        raise OSError(number, os.strerror(number))

    WholeFileBackend().put(b'old', tmp_path / 'a.pth')
    monkeypatch.setattr(os, call, fail_once)
    monkeypatch.setattr(time, 'sleep', slept.append)
    WholeFileBackend().put(b'new', tmp_path / 'a.pth')
    assert slept == [2]
    assert (tmp_path / 'a.pth').read_bytes() == b'new'
    assert file_damage(tmp_path / 'a.pth') is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.pth', 'a.pth.sha256']


@pytest.mark.parametrize('number', [errno.EINVAL, errno.ENOTSUP, errno.EACCES])
def test_a_file_system_that_cannot_flush_a_folder_takes_checkpoints(number, tmp_path, monkeypatch):
    flush = os.fsync

    def refuse(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        flush(handle)

    monkeypatch.setattr(os, 'fsync', refuse)
    WholeFileBackend().put(b'new', tmp_path / 'a.pth')
    assert file_damage(tmp_path / 'a.pth') is None


def train_without_room_for_the_best(cfg, message):
    """Train in a process of its own, whose signals an error leaves with the run."""
    put = WholeFileBackend.put

    def full(self, content, path):
        if Path(path).name.startswith('best_'):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(self, content, path)

    WholeFileBackend.put = full
    try:
        train(cfg)
    except RunError as error:
        message.write_text(str(error))


def test_the_best_checkpoint_on_a_full_disk_is_one_line(tmp_path):
    message = tmp_path / 'message'
    assert in_child(train_without_room_for_the_best, config(tmp_path / 'run'), message) == 0
    assert re.search(r'^the best checkpoint cannot be written to .*No space left .*, then resume$', message.read_text())
    assert newest(tmp_path / 'run').name == 'epoch_1.pth'
    assert file_damage(tmp_path / 'run' / 'epoch_1.pth') is None
