"""What training prints, by steps of a small run."""

import logging

import pytest
import torch
from mmengine.hooks import EarlyStoppingHook
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmvidext.cli import console
from mmvidext.cli.console import ProgressLines, QuietRunner, warnings_only
from tests.cli.small_run import Samples, build


def train(runner, capsys, weights=None):
    """Return what is printed before training, and while it runs."""
    capsys.readouterr()
    runner.register_hook(ProgressLines('line', weights))
    with warnings_only(runner.logger):
        runner.train()
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize('kind', [Runner, QuietRunner])
def test_what_is_printed_while_a_runner_is_built(kind, tmp_path, capsys):
    runner = build(tmp_path, kind, dict(by_epoch=True, max_epochs=1))
    printed = capsys.readouterr().out
    for text in ('System environment', 'Hooks will be executed'):
        assert (text in printed) == (kind is Runner)
        assert text in (tmp_path / runner.timestamp / f'{runner.timestamp}.log').read_text()
    runner.logger.info('is heard again')
    assert 'is heard again' in capsys.readouterr().out


def test_a_level_of_debugging_is_kept(tmp_path, capsys):
    build(tmp_path, QuietRunner, dict(by_epoch=True, max_epochs=1), log_level='DEBUG')
    assert 'System environment' in capsys.readouterr().out


def test_of_warnings_those_of_mmengine_about_itself_are_left_out(tmp_path, capsys):
    runner = build(tmp_path, QuietRunner, dict(by_epoch=True, max_epochs=1))
    with warnings_only(runner.logger):
        runner.logger.info('not heard')
        runner.logger.warning('"FileClient" will be deprecated in future.')
        runner.logger.warning('heard')
    printed = capsys.readouterr().out
    assert printed.rstrip().endswith('heard')
    assert 'not heard' not in printed
    assert 'FileClient' not in printed
    assert 'FileClient' in (tmp_path / runner.timestamp / f'{runner.timestamp}.log').read_text()


def test_a_line_for_each_epoch(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = build(tmp_path, QuietRunner, dict(by_epoch=True, max_epochs=3, val_interval=2))
    lines = train(runner, capsys)
    assert lines[0] == 'model     line (Line)'
    assert lines[1] == f'classes   10: {", ".join(Samples().metainfo["classes"][:8])}, ...'
    assert lines[2] == 'data      5 samples for training, 5 for validation'
    assert lines[3] == 'duration  3 epochs of 3 batches, 2 samples a batch'
    assert lines[4] == 'weights   none, training starts from scratch'
    on_gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if on_gpu else f'CPU, threads: {torch.get_num_threads()}'
    assert lines[5] == f'device    {device}'
    assert lines[6] == f'log       {runner.timestamp}/{runner.timestamp}.log'
    first, second, third, end = lines[7:]
    losses = runner.message_hub.get_scalar('train/loss').data[0]
    assert first == f'epoch 1 of 3   loss {losses[:3].mean():.4g}, lr 0.25   0:00:00 left'
    metrics = 'validation: m0 0, m1 0.3333, m2 0.6667, m3 1, m4 1.333, m5 1.667, ...'
    assert second == f'epoch 2 of 3   loss {losses[3:6].mean():.4g}, lr 0.25   {metrics}   0:00:00 left'
    assert third == f'epoch 3 of 3   loss {losses[6:].mean():.4g}, lr 0.25   {metrics}'
    assert end == 'trained in 0:00:00, epoch 3 of 3'


def test_iterations_and_minutes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(console, '_MINUTE', -1.0)  # is over at each step
    runner = build(tmp_path, QuietRunner, dict(by_epoch=False, max_iters=2, val_interval=2))
    lines = train(runner, capsys, weights='start.pth')
    assert lines[3] == 'duration  2 batches, 2 samples a batch'
    assert lines[4] == 'weights   start.pth'
    starts = [line.partition('   ')[0] for line in lines[7:]]
    validation = [f'validation, batch {number} of 3' for number in (1, 2, 3)]
    assert starts == ['iteration 1 of 2', 'iteration 2 of 2', *validation, 'iteration 2 of 2', lines[-1]]
    assert lines[-1] == 'trained in 0:00:00, iteration 2 of 2'


def test_the_end_names_the_best_checkpoint_and_an_early_stop(tmp_path, capsys):
    runner = build(
        tmp_path,
        QuietRunner,
        dict(by_epoch=True, max_epochs=9),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, save_best='m1', rule='greater')),
        custom_hooks=[EarlyStoppingHook('m1', rule='greater', patience=2)],
    )
    *_, end, best = train(runner, capsys)
    assert end == 'trained in 0:00:00, epoch 3 of 9'
    assert best == f'best checkpoint (0.3333): {tmp_path / "best_m1_epoch_1.pth"}'


def test_pretrained_parts_are_the_weights(tmp_path, capsys, monkeypatch):
    runner = build(tmp_path, QuietRunner, dict(by_epoch=True, max_epochs=1))
    runner.model.linear.pretrained = 'torchvision://resnet18'
    assert 'weights   torchvision://resnet18' in train(runner, capsys)


def test_a_logger_without_console_has_nothing_to_raise():
    logger = MMLogger('of a test of the console')
    logger.handlers = [logging.NullHandler()]
    with warnings_only(logger):
        assert logger.handlers[0].level == logging.NOTSET
