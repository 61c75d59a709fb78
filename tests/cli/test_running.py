"""What is checked between the building of a runner and its start."""

from types import SimpleNamespace

import click
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.evaluator import DumpResults
from mmengine.optim import OptimWrapper
from mmengine.runner import FlexibleRunner
from torch import nn

from mmvidext.cli import optimizer_report
from mmvidext.cli.running import build_testing, build_training, check_labels
from mmvidext.engine import FSDPStrategy
from tests.cli.small_run import Line, build


class Labels(BaseDataset):
    def __init__(self, labels):
        self.labels = labels
        super().__init__(ann_file='list.txt')

    def load_data_list(self):
        return [dict(label=label) for label in self.labels]


def runner(labels, *metrics):
    loop = SimpleNamespace(
        dataloader=SimpleNamespace(dataset=Labels(labels)), evaluator=SimpleNamespace(metrics=list(metrics))
    )
    return SimpleNamespace(test_loop=loop)


@pytest.mark.parametrize('labels', [[0, 1], [torch.tensor([1.0, 0, 1]), torch.tensor([0.0, 0, 0])], [[0, 2], []]])
def test_labels_of_one_class_or_several(labels):
    tested = runner(labels, 'a metric')
    check_labels(tested, dump=None)
    assert tested.test_loop.evaluator.metrics == ['a metric']


def test_a_split_without_labels(tmp_path):
    with pytest.raises(click.ClickException, match=r'clips of list\.txt have no label: use --dump'):
        check_labels(runner([0, -1], 'a metric'), dump=None)
    dump = DumpResults(str(tmp_path / 'a.pkl'))
    tested = runner([0, -1], 'a metric', dump)
    with pytest.raises(click.ClickException, match=r'nothing is measured: leave out --metrics, --per-class$'):
        check_labels(tested, dump=tmp_path / 'a.pkl', measured=['--metrics', '--per-class'])
    check_labels(tested, dump=tmp_path / 'a.pkl')
    assert tested.test_loop.evaluator.metrics == [dump]


def test_what_an_optimizer_is_told_in_vain_and_what_it_leaves_out(monkeypatch):
    said = []
    monkeypatch.setattr(optimizer_report, 'print_log', lambda line, **_: said.append(line))
    model = nn.ModuleDict(dict(backbone=nn.Linear(2, 2), head=nn.Linear(2, 2)))
    keys = {'backbone': 0.1, 'head.bias': 0.1, 'backbon.bias': 0.1, 'absent': 0.1}
    cfg = Config(dict(optim_wrapper=dict(paramwise_cfg=dict(custom_keys=keys))))
    every = SimpleNamespace(model=model, optim_wrapper=OptimWrapper(torch.optim.SGD(model.parameters(), 0.1)))
    optimizer_report.report_optimizer(every, cfg)
    place = 'optim_wrapper.paramwise_cfg.custom_keys.'
    assert said == [
        f'{place}backbon.bias is in no name of a parameter, so it changes nothing; did you mean backbone?',
        f'{place}absent is in no name of a parameter, so it changes nothing',
    ]
    said.clear()
    one = SimpleNamespace(model=model, optim_wrapper=OptimWrapper(torch.optim.SGD(model['head'].parameters(), 0.1)))
    optimizer_report.report_optimizer(one, Config())
    assert said == ['the optimizer leaves out backbone.weight, backbone.bias, which therefore stay as they are']


@pytest.mark.parametrize(
    ('part', 'value', 'message'),
    [
        ('_train_dataloader', dict(dataset=dict(type='NoSuchData'), batch_size=2), 'KeyError: .*NoSuchData'),
        ('_val_dataloader', dict(dataset=[], batch_size=2, sampler=dict(type='NoSampler')), 'KeyError: .*NoSampler'),
        (
            '_val_dataloader',
            dict(dataset=[], batch_size=2, sampler=dict(type='DefaultSampler')),
            'ValueError: val_dataloader has no sample',
        ),
        (
            'drop_last',
            True,
            r'ValueError: no batch is left to train on: train_dataloader\.batch_size=100 .* has 5 samples',
        ),
        ('model', dict(type='NoSuchModel'), 'KeyError: .*NoSuchModel'),
    ],
)
def test_what_a_flexible_runner_cannot_build_is_one_line(part, value, message, tmp_path):
    (tmp_path / 'a.py').touch()
    runner = build(tmp_path, FlexibleRunner, dict(by_epoch=True, max_epochs=1))
    if part == 'drop_last':
        runner._train_dataloader = dict(runner._train_dataloader, batch_size=100, drop_last=True)
    else:
        setattr(runner, part, value)
    with pytest.raises(click.ClickException, match=rf'a\.py: {message}') as caught:
        build_training(runner, Config.fromfile(tmp_path / 'a.py'))
    assert '\n' not in caught.value.message


def test_what_a_flexible_runner_builds_when_training_starts_is_one_line_too(tmp_path):
    (tmp_path / 'a.py').touch()
    runner = build(tmp_path, FlexibleRunner, dict(by_epoch=True, max_epochs=1))
    runner.optim_wrapper = dict(optimizer=dict(type='SGD', lr=-1))
    build_training(runner, Config.fromfile(tmp_path / 'a.py'))
    with pytest.raises(click.ClickException, match=r'a\.py: ValueError: .*Invalid learning rate: -1'):
        runner.train()


def test_a_flexible_runner_trains(tmp_path):
    (tmp_path / 'a.py').touch()
    runner = build(tmp_path, FlexibleRunner, dict(by_epoch=True, max_epochs=1))
    build_training(runner, Config.fromfile(tmp_path / 'a.py'))
    runner.train()
    assert runner.iter == 3


def test_what_is_tested_is_built_before(tmp_path):
    (tmp_path / 'a.py').touch()
    runner = build(tmp_path, FlexibleRunner, dict(by_epoch=True, max_epochs=1))
    runner.model = dict(type=Line)
    build_testing(runner, Config.fromfile(tmp_path / 'a.py'))
    assert isinstance(runner.model, Line)
    runner.model = dict(type='NoSuchModel')
    with pytest.raises(click.ClickException, match=r'a\.py: KeyError: .*NoSuchModel'):
        build_testing(runner, Config.fromfile(tmp_path / 'a.py'))


def test_sharing_out_a_model_without_a_launcher(tmp_path):
    with pytest.raises(RuntimeError, match=r'start it with torchrun .* --launcher pytorch'):
        FSDPStrategy(work_dir=str(tmp_path), env_kwargs=dict(launcher='none'))
