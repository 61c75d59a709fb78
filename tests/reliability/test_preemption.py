"""A signal of the cluster: the run saves, exits with 75, and goes on later as if nothing had happened."""

import os
import signal
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook, Hook
from mmengine.registry import HOOKS, LOOPS
from mmengine.runner import BaseLoop
from torch import distributed, nn

from mmvidext.engine.preemption import EXIT_RESUME_ME, Preemption
from mmvidext.engine.resume_point import find_resume_point
from mmvidext.engine.training_state_hook import TrainingStateHook
from tests.reliability.tiny_run import config, in_child, newest, process_context, train
from tools.chaos import differences, state


@HOOKS.register_module(force=True)
class RecordHook(Hook):
    """Writes which batches were numbered how, and which samples they hold."""

    def __init__(self, path):
        self.path = path

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        with open(self.path, 'a') as file:
            file.write(f'{runner.epoch} {runner.iter} {batch_idx} {[float(x[0]) for x in data_batch["inputs"]]}\n')


def test_the_signals_are_given_back_also_after_a_run_that_failed():
    def own(*_):
        raise AssertionError('nobody listens')

    before = signal.signal(signal.SIGTERM, own)
    try:
        failed, good = Preemption(), Preemption()
        failed.listen(None)  # and no close: the run ended with an error
        good.listen(None)
        os.kill(os.getpid(), signal.SIGTERM)
        assert good.noticed
        assert not failed.noticed
        good.close()
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_processes_wait_for_one_that_is_late_as_long_as_the_config_says(tmp_path, monkeypatch):
    """In the group in which they agree on a signal too: torch's default is half an hour."""
    asked = []
    monkeypatch.setattr(distributed, 'is_initialized', lambda: True)
    monkeypatch.setattr(distributed, 'get_world_size', lambda group=None: 2)
    monkeypatch.setattr(distributed, 'new_group', lambda **options: asked.append(options))
    hook = TrainingStateHook()
    monkeypatch.setattr(hook, '_take_over_hooks', lambda runner: None)
    monkeypatch.setattr(hook, '_seed_data', lambda runner: None)
    runner = SimpleNamespace(model=nn.Identity(), cfg=Config(dict(env_cfg=dict(dist_cfg=dict(timeout=7200)))))
    hook.before_train(runner)
    hook.after_run(runner)
    assert asked == [dict(backend='gloo', timeout=timedelta(hours=2))]


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize('options', [dict(), dict(workers=2), dict(by_epoch=False), dict(interval=4)])
def test_a_signal_saves_and_the_run_goes_on(number, options, reference, tmp_path):
    """In the middle of an epoch, at its end, and again."""
    for kill in (8, 12, 14):
        kill = dict(at=kill, number=int(number))
        assert in_child(train, config(tmp_path, **options), kill=kill, resume=find_resume_point(tmp_path)) == 75
        assert torch.load(newest(tmp_path))['meta']['iter'] == kill['at']
    assert in_child(train, config(tmp_path, **options), resume=find_resume_point(tmp_path)) == 0
    assert list(differences(state(newest(tmp_path)), state(newest(reference(**options))))) == []
    assert not (tmp_path / 'preempted.pth').exists()


def train_and_look(cfg, kill):
    try:
        train(cfg, kill=kill)
    except SystemExit as error:
        os._exit(error.code if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN else 1)


def test_no_second_signal_changes_the_exit_code(tmp_path):
    """A launcher sends one to all others when the first process ends, and Python is long in ending."""
    kill = dict(at=3, number=int(signal.SIGUSR1))
    assert in_child(train_and_look, config(tmp_path), kill) == EXIT_RESUME_ME


@pytest.mark.parametrize('options', [dict(), dict(interval=4)])
def test_a_signal_in_a_validation_does_not_wait_for_its_end(options, reference, tmp_path):
    """With the weights of EMA in the model, and with or without a checkpoint of this step."""
    kill = dict(in_val=6, number=int(signal.SIGTERM))
    assert in_child(train, config(tmp_path, **options), kill=kill) == EXIT_RESUME_ME
    assert in_child(train, config(tmp_path, **options), resume=find_resume_point(tmp_path)) == 0
    assert list(differences(state(newest(tmp_path)), state(newest(reference(**options))))) == []


def test_a_signal_in_the_last_validation_after_one_that_was_killed(reference, tmp_path):
    """The checkpoint of this step is there, and is saved again when its validation is made up for at last."""
    assert in_child(train, config(tmp_path), kill=dict(in_val=18)) == -signal.SIGKILL
    kill = dict(in_val=18, number=int(signal.SIGTERM))
    assert in_child(train, config(tmp_path), kill=kill, resume=find_resume_point(tmp_path)) == EXIT_RESUME_ME
    assert not (tmp_path / 'preempted.pth').exists()
    assert in_child(train, config(tmp_path), resume=find_resume_point(tmp_path)) == 0
    assert list(differences(state(newest(tmp_path)), state(newest(reference())))) == []


@LOOPS.register_module(force=True)
class ValidationOfSeveralSets(BaseLoop):
    """A user's loop, which has no ``dataloader``."""

    def __init__(self, runner, dataloader, evaluator):
        self._runner = runner
        self.dataloaders = [runner.build_dataloader(dataloader)]

    def run(self):
        self.runner.call_hook('before_val')
        for number, batch in enumerate(self.dataloaders[0]):
            self.runner.call_hook('before_val_iter', batch_idx=number, data_batch=batch)
            self.runner.call_hook('after_val_iter', batch_idx=number, data_batch=batch, outputs=[])
        self.runner.call_hook('after_val_epoch', metrics=dict(score=0.0))
        self.runner.call_hook('after_val')


def test_a_signal_waits_for_the_end_of_a_validation_that_is_not_one_of_mmengine(tmp_path):
    cfg = config(tmp_path, val_cfg=dict(type='ValidationOfSeveralSets'), log_level='WARNING')
    cfg['default_hooks'].update(timer=None, logger=None)  # which need a loop of mmengine's
    assert in_child(train, cfg, kill=dict(in_val=6, number=int(signal.SIGTERM))) == EXIT_RESUME_ME
    assert torch.load(tmp_path / 'preempted.pth')['meta']['iter'] == 7
    (log,) = tmp_path.glob('*/*.log')
    assert log.read_text().count('knows no loop ValidationOfSeveralSets: a signal waits for its end') == 1


@pytest.mark.parametrize('left_out', ['save_optimizer', 'save_param_scheduler'])
def test_what_a_signal_saved_stays_while_regular_checkpoints_cannot_be_resumed(left_out, tmp_path):
    """Also where such a checkpoint is of the same iteration."""
    cfg = config(tmp_path, by_epoch=False, log_level='WARNING')
    cfg['default_hooks']['checkpoint'] = dict(type='CheckpointHook', by_epoch=False, interval=4, **{left_out: False})
    assert in_child(train, cfg, kill=dict(at=4, number=int(signal.SIGTERM))) == EXIT_RESUME_ME
    (log,) = tmp_path.glob('*/*.log')
    assert f'resume from the regular checkpoints of this one ({left_out}=False of the Ch' in log.read_text()
    assert in_child(train, cfg, kill=dict(at=9), resume=tmp_path / 'preempted.pth') == -signal.SIGKILL
    assert {path.name for path in tmp_path.glob('*.pth')} == {'iter_4.pth', 'iter_8.pth', 'preempted.pth'}


@HOOKS.register_module(force=True)
class OwnCheckpointHook(CheckpointHook):
    """A user's class."""


@pytest.mark.parametrize('hook', [None, dict(type='OwnCheckpointHook', interval=1)])
def test_a_signal_saves_whatever_hook_saves_checkpoints(hook, tmp_path):
    options = dict(default_hooks=dict(checkpoint=hook))
    assert in_child(train, config(tmp_path, **options), kill=dict(at=8, number=int(signal.SIGTERM))) == EXIT_RESUME_ME
    assert torch.load(tmp_path / 'preempted.pth')['meta']['iter'] == 8
    assert in_child(train, config(tmp_path, **options), resume=find_resume_point(tmp_path)) == 0
    assert not (tmp_path / 'preempted.pth').exists()


def test_a_run_that_goes_on_in_an_epoch_gives_batches_their_own_numbers(tmp_path):
    """And loads none of those before."""

    def cfg(name):
        cfg = config(tmp_path / name)
        cfg['custom_hooks'].append(dict(type='RecordHook', path=str(tmp_path / f'{name}.txt')))
        return cfg

    assert in_child(train, cfg('whole')) == 0
    assert in_child(train, cfg('parts'), kill=dict(at=8, number=int(signal.SIGTERM))) == EXIT_RESUME_ME
    assert in_child(train, cfg('parts'), resume=find_resume_point(tmp_path / 'parts')) == 0
    assert (tmp_path / 'parts.txt').read_text() == (tmp_path / 'whole.txt').read_text()
    assert len((tmp_path / 'whole.txt').read_text().splitlines()) == 18


def group_leader(cfg):
    os.setpgid(0, 0)
    cfg['custom_hooks'].append(dict(type='SlowHook'))
    train(cfg)


@HOOKS.register_module(force=True)
class SlowHook(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        time.sleep(0.2)


def test_a_signal_to_the_whole_process_group_spares_the_workers(tmp_path):
    """As Slurm sends it: a worker that died of it would end the run before it has saved."""
    val = dict(num_workers=1, persistent_workers=True, multiprocessing_context='fork')
    process = process_context().Process(
        target=group_leader, args=(config(tmp_path, workers=2, persistent=True, val_dataloader=val),)
    )
    process.start()
    while not (tmp_path / 'epoch_1.pth').exists():
        time.sleep(0.05)
    started = time.monotonic()
    os.killpg(process.pid, signal.SIGTERM)
    process.join(60)
    assert process.exitcode == EXIT_RESUME_ME
    assert time.monotonic() - started < 20
    assert find_resume_point(tmp_path) is not None
