"""``mmvidext train --resume``: what it takes, what it says in one line, and with which code it ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click import UsageError
from mmengine.config import Config

from mmvidext.cli.train import apply_train_flags
from mmvidext.cli.train import train as train_command
from mmvidext.engine.work_dir import lock_work_dir
from tests.cli.invoke import invoke
from tests.reliability.tiny_run import config, in_child, newest, train
from tools.chaos import differences, state

ROOT = Path(__file__).resolve().parents[2]


def run_train_command(*arguments):
    invoke(train_command, *arguments)


@pytest.fixture
def config_file(tmp_path):
    def write(**options):
        cfg = config(tmp_path / 'run', **options)
        cfg['custom_imports'] = dict(imports=['tests.reliability.tiny_run'], allow_failed_imports=False)
        Config(cfg).dump(tmp_path / 'config.py')
        return tmp_path / 'config.py'

    return write


def test_it_resumes_from_the_newest_whole_checkpoint(config_file, reference, tmp_path):
    """The newest is truncated, and ``last_checkpoint`` names it."""
    work_dir = tmp_path / 'run'
    assert in_child(train, config(work_dir), kill=dict(at=14)) == -signal.SIGKILL
    with (work_dir / 'epoch_2.pth').open('r+b') as file:
        file.truncate(1000)
    (work_dir / 'last_checkpoint').write_text('/nowhere/epoch_7.pth')
    assert in_child(run_train_command, config_file(), '--resume') == 0
    assert list(differences(state(newest(work_dir)), state(newest(reference())))) == []


def hooks(**options):
    """Return the keys of a config in which one hook saves checkpoints, among the custom hooks."""
    checkpoint = dict(type='CheckpointHook', interval=1, max_keep_ckpts=2, **options)
    custom = [*config('')['custom_hooks'], checkpoint]
    return dict(default_hooks=dict(checkpoint=None), custom_hooks=custom)


@pytest.mark.parametrize(
    ('folder', 'options'),
    [
        ('run', dict(default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, filename_tmpl='e{}.pt')))),
        ('run', hooks(filename_tmpl='model-{:04d}')),
        ('saved/run', hooks(out_dir='saved')),
        ('saved/run/run', hooks(out_dir='saved/run')),
    ],
)
def test_it_finds_the_files_that_the_hook_writes(folder, options, config_file, tmp_path, monkeypatch):
    """Whatever their names, their folder, and the place of the hook in the config."""
    monkeypatch.chdir(tmp_path)
    assert in_child(train, config(tmp_path / 'run', **options), kill=dict(at=14)) == -signal.SIGKILL
    cfg = Config.fromfile(config_file(**options))
    apply_train_flags(cfg, resume='auto')
    assert cfg.resume
    assert Path(cfg.load_from).resolve().parent == tmp_path / folder
    assert torch.load(cfg.load_from)['meta']['iter'] == 12


def test_an_older_checkpoint_is_refused_beside_newer_ones(config_file, reference, tmp_path):
    """The next --resume would take those, and leave out all that was trained since."""
    work_dir = shutil.copytree(reference(), tmp_path / 'run')
    output = invoke(train_command, config_file(), '--resume', work_dir / 'epoch_2.pth', status=2)
    assert 'run holds checkpoints of more iterations than epoch_2.pth: epoch_3.pth. The' in output.splitlines()[-1]
    with (work_dir / 'epoch_3.pth').open('r+b') as file:
        file.truncate(1000)  # what is not whole is passed over
    cfg = Config.fromfile(config_file())
    apply_train_flags(cfg, resume=str(work_dir / 'epoch_2.pth'))
    assert cfg.resume


def test_no_whole_checkpoint_is_one_line(config_file, tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'epoch_1.pth').write_bytes(b'PK')
    output = invoke(train_command, config_file(), '--resume', status=2)
    assert 'is whole: epoch_1.pth: it cannot be read' in output.splitlines()[-1]


def test_checkpoints_without_an_optimizer_are_no_reason_to_begin_anew(config_file, tmp_path):
    (tmp_path / 'run').mkdir()
    torch.save(dict(meta=dict(iter=6), message_hub={}, state_dict={}), tmp_path / 'run' / 'best_score_epoch_1.pth')
    cfg = Config.fromfile(config_file())
    apply_train_flags(cfg, resume='auto')  # a job that always resumes, before its first regular checkpoint
    assert not cfg.resume
    (tmp_path / 'run' / 'best_score_epoch_1.pth').rename(tmp_path / 'run' / 'epoch_1.pth')
    with pytest.raises(
        UsageError, match=r'resume from any: epoch_1\.pth has no optimizer \(save_optimizer=False of its'
    ):
        apply_train_flags(cfg, resume='auto')


def test_checkpoints_in_the_folder_of_another_name_are_no_reason_to_begin_anew(config_file, tmp_path):
    """The work directory was renamed, by whose name mmengine calls the folder in ``out_dir``."""
    saved = tmp_path / 'saved' / 'old_name' / 'epoch_1.pth'
    saved.parent.mkdir(parents=True)
    saved.touch()
    cfg = Config.fromfile(config_file(**hooks(out_dir=str(tmp_path / 'saved'))))
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'last_checkpoint').write_text(str(saved))
    with pytest.raises(
        UsageError, match=r'are in .*/old_name, but a run of this name keeps them in .*/saved/run, where'
    ):
        apply_train_flags(cfg, resume='auto')
    saved.unlink()  # there is nothing to resume
    apply_train_flags(cfg, resume='auto')
    assert not cfg.resume


def test_a_directory_in_use_is_one_line(config_file, tmp_path):
    work_dir = tmp_path / 'run'
    child = os.fork()
    if child == 0:
        lock = lock_work_dir(work_dir)
        time.sleep(60 if lock else 0)
        os._exit(0)
    try:
        while not (work_dir / '.lock').is_file() or not (work_dir / '.lock').read_text():
            time.sleep(0.01)
        output = invoke(train_command, config_file(), status=1)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert output.splitlines()[-1].startswith(f'Error: {work_dir} is in use by process {child} on')
    assert [path.name for path in work_dir.iterdir()] == ['.lock']  # no config of the second run, and no log


def test_the_best_checkpoint_is_refused(config_file, reference):
    best = next(reference().glob('best_*.pth'))
    output = invoke(train_command, config_file(), '--resume', best, status=1)
    errors = [line for line in output.splitlines() if line.startswith('Error: ')]
    assert len(errors) == 1
    assert f'{best}: this checkpoint has no optimizer: it is weights' in errors[0]


def test_what_is_no_state_of_this_model_is_refused_without_the_hook_too(config_file, reference, tmp_path):
    torch.save(dict(state_dict=torch.load(newest(reference()))['state_dict']), tmp_path / 'bare.pth')
    output = invoke(train_command, config_file(exact=False), '--resume', tmp_path / 'bare.pth', status=2)
    assert 'bare.pth is not a checkpoint of a training run (without message_hub, meta)' in output.splitlines()[-1]
    path = config_file(exact=False, model=dict(width=16))
    output = invoke(train_command, path, '--resume', newest(reference()), status=2)
    assert 'layers.0.weight is (8, 4) instead of (16, 4)' in output.splitlines()[-1]


def test_a_signal_ends_the_command_with_75(config_file, tmp_path):
    work_dir = tmp_path / 'run'
    path = config_file(train_cfg=dict(max_epochs=10_000), param_scheduler=[])
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    process = subprocess.Popen([sys.executable, 'tools/train.py', path], cwd=ROOT, env=environment)
    while not list(work_dir.glob('epoch_*.pth')) and process.poll() is None:  # each of them is soon replaced
        time.sleep(0.1)
    process.terminate()
    assert process.wait(60) == 75
    assert newest(work_dir).name in ('preempted.pth', *(f'epoch_{number}.pth' for number in range(1, 1000)))
