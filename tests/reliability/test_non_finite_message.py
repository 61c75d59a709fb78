"""What is said of a bad step: which call, which module, which gradient, which samples."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement
from torch import nn

from mmvidext.engine import RunError, non_finite_hook
from mmvidext.engine.non_finite_cause import ForwardCall, describe, find_cause
from mmvidext.engine.non_finite_hook import _autocast, _call_to_look_at
from mmvidext.generators import capture_generators
from tests.reliability.test_non_finite import NAN, TinyNet, train, warnings

__all__ = ['warnings']  # a fixture


def call(*losses, inputs=(), autocast=None):
    terms = {f'loss_{number}': [torch.tensor(loss)] for number, loss in enumerate(losses)}
    return ForwardCall(inputs, {}, capture_generators(), autocast or nullcontext(), terms)


def test_a_term_without_elements_is_not_finite(tmp_path, warnings):
    """Its mean, which mmengine adds up, is NaN, though no gradient is."""
    lines, keep = warnings

    class Empty(TinyNet):
        def forward(self, inputs, data_samples, mode='tensor'):
            losses = super().forward(inputs, data_samples, mode)
            if any(sample.mark for sample in data_samples):
                losses['loss_boxes'] = losses['loss_cls'].expand(2)[:0]
            return losses

    runner = train(tmp_path / 'run', [None, 'empty', None], model=Empty, hooks=[keep])
    assert runner.message_hub.get_info('skipped_updates') == 1
    assert 'loss_boxes=nan' in next(line for line in lines if line.startswith('iteration 2'))


def test_clipping_does_not_put_the_blame_on_the_last_parameter(tmp_path, warnings):
    lines, keep = warnings
    train(tmp_path / 'run', [None, 'gradient', None], wrapper=dict(clip_grad=dict(max_norm=1.0)), hooks=[keep])
    line = next(line for line in lines if line.startswith('iteration 2'))
    assert '6 gradients are not finite, as clipping by their norm leaves all' in line
    assert 'fc.bias' not in line


def test_a_scale_that_is_spent_names_the_samples(tmp_path):
    wrapper = dict(type='ShortAmpWrapper', dtype='float16', init_scale=2.0**-1)
    with pytest.raises(RunError, match=r'iteration 3: gradients were not finite; samples: videos/2_0.webm, videos/2_1'):
        train(tmp_path / 'run', ['gradient'] * 4, wrapper=wrapper)


def test_all_processes_look_at_the_same_call(monkeypatch):
    """Layers that are synchronized wait for each other when it is run once more."""
    calls = [call(1.0), call(1.0), call(NAN), call(1.0)]
    assert _call_to_look_at(calls) is calls[2]
    monkeypatch.setattr(non_finite_hook, 'all_gather_object', lambda place: [place, 1, None])
    assert _call_to_look_at(calls) is calls[1]
    assert _call_to_look_at(calls[:1]) is calls[0]
    monkeypatch.setattr(non_finite_hook, 'all_gather_object', lambda place: [place, None])
    assert _call_to_look_at(calls[:2]) is calls[1]
    assert _call_to_look_at([]) is None


def test_the_batch_runs_once_more_under_its_autocast():
    """An overflow of half precision is found where float32 would not have one."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Flatten())
    with torch.no_grad():
        model[0].weight.fill_(300.0)
    with torch.autocast('cpu', torch.float16):
        autocast = _autocast(torch.device('cpu'))
    inputs = (torch.full((1, 4), 300.0),)
    cause = find_cause(model, call(NAN, inputs=inputs, autocast=autocast), '', [], None).cause
    assert cause == 'loss_0=nan; first module whose output is not finite: 0 (Linear)'
    assert find_cause(model, call(NAN, inputs=inputs), '', [], None).cause == 'loss_0=nan'


def test_gradients_without_a_call_are_said_as_they_are():
    finding = find_cause(nn.Linear(1, 1), None, '2 gradients are not finite', [], dict(img_path='a.png'))
    assert describe([finding]) == '2 gradients are not finite; samples: a.png'
    assert find_cause(nn.Linear(1, 1), None, '', ['bn.running_var'], None).cause == (
        'running statistics are not finite: bn.running_var'
    )


def element(path):
    return BaseDataElement(metainfo=dict(img_path=path))


@pytest.mark.parametrize(
    ('batch', 'paths'),
    [
        (dict(data_samples=[element('a.png'), element(Path('b.png'))]), ('a.png', 'b.png')),
        (dict(data_samples=dict(labeled=[element('a')], unlabeled=[element('b')])), ('a', 'b')),
        (dict(data_samples=[[element('a')], [element('b')]]), ('a', 'b')),
        (dict(first=[element('a')], second=[element('a')]), ('a',)),
        (dict(data_samples=[dict(img_path='a', flip=True), dict(img_path='b')]), ('a', 'b')),
        (dict(inputs=torch.zeros(2), img_path=['a', 'b']), ('a', 'b')),
        ([dict(filename='a')], ('a',)),
        (dict(data_samples=[element(np.array(['a', 'b']))]), ()),
        (dict(data_samples=[element(None)]), ()),
        ((torch.zeros(1), 3), ()),
        (None, ()),
    ],
)
def test_paths_are_found_wherever_a_batch_holds_them(batch, paths):
    assert find_cause(nn.Linear(1, 1), None, '', [], batch).paths == paths
