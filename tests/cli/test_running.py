"""What is checked between the building of a runner and its start."""

from types import SimpleNamespace

import click
import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.evaluator import DumpResults

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
