from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import BaseDataset, ClassBalancedDataset, ConcatDataset, RepeatDataset
from mmengine.runner import BaseLoop, ValLoop
from torch.utils.data import DataLoader

from mmvidext.engine import NumClassesCheckHook


class Labeled(BaseDataset):
    def __init__(self, labels, num_classes=None, **kwargs):
        self.labels, self.num_classes = labels, num_classes
        super().__init__(**kwargs)

    def load_data_list(self):
        return [dict(label=label) for label in self.labels]

    def get_cat_ids(self, idx):
        return [self.labels[idx]]


def runner(*datasets, head=4, split='train', wrap=False, **model):
    parts, model = model or dict(cls_head=SimpleNamespace(num_classes=head)), torch.nn.Module()
    vars(model).update(parts)
    result = SimpleNamespace(model=torch.nn.DataParallel(model) if wrap else model, _val_loop=dict(type='ValLoop'))
    for dataset in datasets:
        loop = object.__new__(ValLoop)
        assert isinstance(loop, BaseLoop)
        loop.dataloader = DataLoader(dataset)
        setattr(result, f'_{split}_loop', loop)
    return result


def check(*args, **kwargs):
    NumClassesCheckHook().before_run(runner(*args, **kwargs))


def test_what_fits_passes():
    check(Labeled([0, 3], 4), split='val')
    check(Labeled([0, 3]))
    check(Labeled([[0, 2], [3]], 4))
    check(torch.utils.data.TensorDataset(torch.zeros(3)))
    check(Labeled([0, 9], 10), cls_head=SimpleNamespace())  # a head that does not say
    check()


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_another_number(split):
    message = f'the {split} data set .*has num_classes=174, but the head of the model has num_classes=4'
    for wrap in (False, True):
        with pytest.raises(ValueError, match=message):
            check(Labeled([0], 174), split=split, wrap=wrap)


def test_a_label_that_the_head_has_not():
    for labels in ([0, 4], [[0, 1], [2, 4]]):
        with pytest.raises(ValueError, match='has the label 4, but the head of the model has num_classes=4'):
            check(Labeled(labels))


def test_inside_wrappers():
    bad = Labeled([0], 5)
    wrapped = (RepeatDataset(bad, 2), ClassBalancedDataset(bad, 0.5), ConcatDataset([Labeled([0], 4), bad]))
    for dataset in wrapped:
        with pytest.raises(ValueError, match='num_classes=5'):
            check(dataset)


def test_a_segmentor():
    data = Labeled([0], metainfo=dict(classes=('a', 'b', 'c')))
    head = SimpleNamespace(num_classes=19)
    for model in (dict(decode_head=head), dict(segmentor=SimpleNamespace(decode_head=head))):
        with pytest.raises(ValueError, match='num_classes=3, but the head of the model has num_classes=19'):
            check(data, **model)


def test_every_head_of_a_cascade():
    data = Labeled([0], metainfo=dict(classes=('a', 'b', 'c')))
    right, wrong = (SimpleNamespace(num_classes=number) for number in (3, 4))
    for heads in ([wrong, right], [right, wrong]):
        for model in (dict(decode_head=heads), dict(roi_head=SimpleNamespace(bbox_head=heads))):
            with pytest.raises(ValueError, match='num_classes=3, but the head of the model has num_classes=4'):
                check(data, **model)
    check(data, decode_head=[right, right])


def test_an_auxiliary_head():
    heads = pytest.importorskip('mmseg.models.decode_heads')
    data = Labeled([0], metainfo=dict(classes=('a', 'b', 'c')))
    head, sizes = SimpleNamespace(num_classes=3), dict(in_channels=4, channels=4, num_convs=1)
    wrong = heads.FCNHead(**sizes, num_classes=5)
    for auxiliary in (wrong, torch.nn.ModuleList([heads.FCNHead(**sizes, num_classes=3), wrong])):
        with pytest.raises(ValueError, match='num_classes=3, but the auxiliary head of the model has num_classes=5'):
            check(data, decode_head=head, auxiliary_head=auxiliary)
    borders = heads.STDCHead(boundary_threshold=0.1, **sizes, num_classes=2)
    check(data, decode_head=head, auxiliary_head=borders)
