"""What is checked between the building of a runner and its start."""

from types import SimpleNamespace

import click
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.evaluator import DumpResults
from mmengine.optim import OptimWrapper
from torch import nn

from mmvidext.cli import optimizer_report
from mmvidext.cli.running import check_labels


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
