"""A recipe that starts from trained weights says so, once, where there are none."""

import logging
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from torch import nn

from mmvidext.engine import ScratchWarningHook, StartWeightsHook


def said(caplog, *, starts_from='ImageNet', hooks=(), load_from=None, iter_=0, **backbone):
    model = nn.Module()
    model.backbone = nn.Module()
    vars(model.backbone).update(dict(depth=50, pretrained=None, init_cfg=None) | backbone)
    runner = SimpleNamespace(
        cfg=Config(dict(starts_from=starts_from) if starts_from else {}),
        iter=iter_,
        _load_from=load_from,
        _resume=False,
        hooks=hooks,
        model=model,
        logger=logging.getLogger('a run'),
    )
    ScratchWarningHook().before_train(runner)
    return [record.getMessage() for record in caplog.records if record.name == 'a run']


def test_random_weights_are_said_aloud(caplog):
    (message,) = said(caplog)
    assert 'starts from weights trained on ImageNet, but this run starts from random ones' in message
    assert 'model.backbone.pretrained (torchvision://resnet50)' in message


def test_other_data_have_no_standard_file(caplog):
    assert 'pretrained (a file, an address or a name)' in said(caplog, starts_from='Kinetics-400')[0]


@pytest.mark.parametrize(
    'given',
    [
        dict(starts_from=None),
        dict(pretrained='a.pth'),
        dict(init_cfg=dict(type='Pretrained', checkpoint='a.pth')),
        dict(load_from='a.pth'),
        dict(iter_=3),
        dict(hooks=(StartWeightsHook({}),)),
    ],
)
def test_nothing_is_said_where_there_are_weights_or_none_are_needed(caplog, given):
    assert said(caplog, **given) == []
