"""A checkpoint is whole or not there, whenever the process dies and whatever the disk does."""

import errno
import hashlib
import os
import resource
import signal
import subprocess
import zipfile
from unittest import mock

import pytest
import torch
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.runner import find_latest_checkpoint

from mmvidext.engine import RunError
from mmvidext.engine.resume_point import check_whole, find_resume_point
from mmvidext.engine.whole_file import WholeFileBackend, file_damage, write_whole
from tests.reliability.tiny_run import config, in_child, kill_in_save, newest, train
from tools.chaos import differences, state


def train_and_die(cfg, number, resume):
    kill_in_save(number)
    train(cfg, resume=resume)


# every step of the first saves, in which a file is there for the first time, is replaced, and pushes out an old one
@pytest.mark.parametrize('number', [1, 2, 3, 4, 5, 7, 11, 14, 18, 19, 20, 21, 22, 27, 33, 40, 41, 42, 43])
def test_killed_inside_a_save(number, reference, tmp_path):
    """Before each file operation: what is there is whole, and the resumed run is equal."""
    assert in_child(train_and_die, config(tmp_path), number, None) == -signal.SIGKILL
    for path in tmp_path.glob('*.pth'):
        assert file_damage(path) is None
    point = find_resume_point(tmp_path)
    assert point == (newest(tmp_path) if list(tmp_path.glob('*.pth')) else None)
    named = find_latest_checkpoint(str(tmp_path))
    assert named is None or os.path.isfile(named)  # mmengine's own way to resume works too
    assert in_child(train, config(tmp_path), resume=point) == 0
    assert list(differences(state(newest(tmp_path)), state(newest(reference())))) == []
    assert list(tmp_path.glob('.*.partial')) == []
    names, wanted = ({path.name for path in work_dir.glob('*.pth')} for work_dir in (tmp_path, reference()))
    assert names >= wanted
    assert len(names - wanted) <= 1  # one that was about to be removed


def test_each_checkpoint_has_its_checksum(reference):
    work_dir = reference()
    files = sorted(work_dir.glob('*.pth'))
    assert [path.name for path in files if not path.name.startswith('best_')] == ['epoch_2.pth', 'epoch_3.pth']
    for path in files:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert (work_dir / f'{path.name}.sha256').read_text() == f'{digest}  {path.name}\n'
    subprocess.run(f'cd {work_dir} && sha256sum --check --strict *.sha256', shell=True, check=True, capture_output=True)


@pytest.mark.parametrize('has_checksum', [True, False])
@pytest.mark.parametrize('part', [0, 0.01, 0.5, 0.99, 'noise', 'bit'])
def test_a_damaged_newest_checkpoint_is_skipped(part, has_checksum, reference, tmp_path, caplog):
    for path in reference().glob('epoch_*'):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / 'epoch_3.pth'
    content = bytearray(path.read_bytes())
    middle = content.find(b'FB') + 200  # inside of a tensor
    if part == 'noise':
        content[middle : middle + 64] = os.urandom(64)
    elif part == 'bit':
        content[middle] ^= 1
    else:
        content = content[: int(part * len(content))]
    path.write_bytes(content)
    if not has_checksum:
        (tmp_path / 'epoch_3.pth.sha256').unlink()
    assert find_resume_point(tmp_path) == tmp_path / 'epoch_2.pth'


def test_none_whole_is_an_error_that_names_them_all(tmp_path):
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        (tmp_path / name).write_bytes(b'PK\x03\x04')
    with pytest.raises(RunError, match=r'no checkpoint in .* is whole: epoch_1.pth: .*; epoch_2.pth: .*remove them'):
        find_resume_point(tmp_path)


@pytest.mark.parametrize(
    'last', [None, b'', b'/nowhere/epoch_9.pth', b'.', b'\xff\x00\xfe', b'epoch_2.pth', b'../other/epoch_1.pth']
)
def test_last_checkpoint_misleads_nobody(last, reference, tmp_path):
    """Absent, empty, of a missing file, a folder, binary, relative, of another run: the files themselves decide."""
    for path in reference().glob('epoch_*'):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    if last is not None:
        (tmp_path / 'last_checkpoint').write_bytes(last)
    torch.save(dict(weight=torch.zeros(1)), tmp_path / 'pretrained.pth')
    os.utime(tmp_path / 'epoch_3.pth', (0, 0))
    assert find_resume_point(tmp_path) == tmp_path / 'epoch_3.pth'


def test_weights_in_torchs_old_format_are_none_to_resume_from(tmp_path):
    """As torchvision publishes some; a run's own checkpoints in that format are found."""
    weights = dict(weight=torch.zeros(1))
    torch.save(weights, tmp_path / 'resnet18-5c106cde.pth', _use_new_zipfile_serialization=False)
    assert find_resume_point(tmp_path) is None
    state = dict(meta=dict(iter=4), message_hub={}, optimizer={}, state_dict=weights)
    torch.save(state, tmp_path / 'iter_4.pth', _use_new_zipfile_serialization=False)
    assert find_resume_point(tmp_path) == tmp_path / 'iter_4.pth'


def test_an_empty_directory_has_no_resume_point(tmp_path):
    assert find_resume_point(tmp_path) is None
    os.mkfifo(tmp_path / 'epoch_1.pth')  # would block for ever
    assert find_resume_point(tmp_path) is None


def test_a_published_checkpoint_is_none_to_resume_from(reference, tmp_path):
    """Not with an optimizer in it either."""
    path = tmp_path / 'epoch_2.pth'
    path.write_bytes((reference() / path.name).read_bytes())
    content = torch.load(reference() / 'epoch_3.pth')
    published = {key: content[key] for key in ('meta', 'state_dict', 'optimizer')}
    torch.save(published, tmp_path / 'epoch_3-0a1b2c3d.pth')
    assert find_resume_point(tmp_path) == path


def test_an_archive_that_expands_is_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / 'epoch_9.pth', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('epoch_9/data.pkl', bytes(50_000_000))
        archive.writestr('epoch_9/version', '3')
    with pytest.raises(RunError, match=r'epoch_9\.pth: it cannot be read .*bytes expand to 50000001'):
        find_resume_point(tmp_path)
    with pytest.raises(RunError, match=r'epoch_9\.pth is damaged: it cannot be read .*bytes expand to 50000001'):
        check_whole(tmp_path / 'epoch_9.pth')


def limited(cfg, size, resume):
    """Train where no file can be larger than so many bytes: what a full disk does, at a chosen place."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        with mock.patch('mmvidext.engine.exact_resume_hook.check_room'):  # which would find out before the run
            train(cfg, resume=resume)
    except RunError as error:
        os._exit(3 if 'cannot be written' in str(error) else 4)


def test_a_full_disk_destroys_nothing(tmp_path):
    assert in_child(train, config(tmp_path), kill=dict(at=8)) == -signal.SIGKILL
    before = {path.name: path.read_bytes() for path in tmp_path.glob('*.pth*')}
    assert in_child(limited, config(tmp_path), 10_000, newest(tmp_path)) == 3
    assert {path.name: path.read_bytes() for path in tmp_path.glob('*.pth*')} == before
    assert list(tmp_path.glob('.*.partial')) == []


def stock_with_little_room(cfg):
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    try:
        train(cfg)
    except OSError as error:
        os._exit(3 if error.errno == errno.EFBIG else 4)


def test_stock_mmengine_leaves_a_truncated_file_there(tmp_path):
    """The two tests above would notice."""
    assert in_child(stock_with_little_room, config(tmp_path, exact=False)) == 3
    with pytest.raises(RunError, match=r'whole: .*epoch_1.pth'):
        find_resume_point(tmp_path)


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / 'a.pth'
    backend = WholeFileBackend()
    backend.put(b'old', path)
    (tmp_path / '.a.pth.partial').mkdir()  # cannot be opened to write
    with pytest.raises(IsADirectoryError):
        backend.put(b'new', path)
    with pytest.raises(IsADirectoryError):
        write_whole(path, b'new')
    assert path.read_bytes() == b'old'
    assert file_damage(path) is None


def test_removing_a_checkpoint_removes_its_checksum(tmp_path):
    backend = WholeFileBackend()
    backend.put(b'x', tmp_path / 'a.pth')
    backend.remove(tmp_path / 'a.pth')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('stock', [True, False])
def test_a_checkpoint_that_is_too_many_for_a_resumed_run_takes_its_checksum_with_it(stock, tmp_path):
    for epoch in (1, 2, 3):
        WholeFileBackend().put(b'x', tmp_path / f'epoch_{epoch}.pth')
    for name, entry in (('data.zip', 'data.zip'), ('epoch_9.pth', 'other/epoch_9.pth')):  # the user's
        (tmp_path / f'{name}.sha256').write_text(f'0123  {entry}\n')
    runner = _Runner(tmp_path)
    runner.work_dir = str(tmp_path)
    runner.message_hub.update_info('keep_ckpt_ids', [1, 2, 3])
    from mmvidext.engine import CheckpointHook

    hook = (MMEngineCheckpointHook if stock else CheckpointHook)(max_keep_ckpts=1)
    hook.before_train(runner)
    if stock:
        CheckpointHook.take_over(hook)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'data.zip.sha256',
        'epoch_3.pth',
        'epoch_3.pth.sha256',
        'epoch_9.pth.sha256',
    ]


def test_the_old_best_file_is_there_until_the_new_one_is_whole(tmp_path):
    """mmengine's hook removes it first; ours is asked at each removal whether another best file is whole."""
    seen = []

    class Watching(WholeFileBackend):
        def remove(self, filepath):
            name = os.path.basename(filepath)
            if name.startswith('best_'):
                seen.append([file_damage(path) for path in tmp_path.glob('best_*.pth') if path.name != name])
            super().remove(filepath)

    from mmvidext.engine import CheckpointHook

    hook = CheckpointHook.take_over(_stock(tmp_path))
    hook.file_backend = Watching()
    runner = _Runner(tmp_path)
    for epoch, score in enumerate([0.1, float('nan'), 0.2, float('-inf'), 0.2, float('inf')], 1):
        runner.epoch = runner.iter = epoch
        hook.after_val_epoch(runner, dict(score=score))
    assert seen == [[None], [None]]
    assert [path.name for path in tmp_path.glob('best_*.pth')] == ['best_score_epoch_6.pth']
    assert runner.saved == [1, 3, 6]  # neither NaN nor what is not better


def test_the_best_by_an_unknown_metric_says_what_there_is(tmp_path):
    from mmvidext.engine import CheckpointHook

    hook = CheckpointHook.take_over(_stock(tmp_path))
    with pytest.raises(RunError, match=r"save_best='score' .* of this validation: acc/top1, acc/top5\. Name one"):
        hook.after_val_epoch(_Runner(tmp_path), {'acc/top1': 0.5, 'acc/top5': 1.0})


def _stock(work_dir):
    hook = MMEngineCheckpointHook(save_best='score', rule='greater')
    hook.out_dir = str(work_dir)
    hook.file_backend = WholeFileBackend()
    return hook


class _Runner:
    """As much of a runner as saving the best checkpoint takes."""

    def __init__(self, work_dir):
        from mmengine.logging import MessageHub, MMLogger

        self.message_hub = MessageHub('best')
        self.logger = MMLogger('best', log_level='ERROR')
        self.saved = []

    def save_checkpoint(self, out_dir, filename, **kwargs):
        self.saved.append(self.epoch)
        WholeFileBackend().put(b'weights', os.path.join(out_dir, filename))
