"""A NaN in a training step that is not the usual one: several forwards, several optimizers, a closure."""

from functools import partial

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from mmvidext.engine import NonFiniteHook, RunError
from tests.launches import list_launches
from tests.reliability.test_non_finite import SGD, ShortAmpWrapper, TinyNet, assert_same, state_of, train, warnings

__all__ = ['warnings']  # a fixture


class TwoForwards(TinyNet):
    """One backward pass for the losses of two calls, as of two domains."""

    def train_step(self, data, optim_wrapper):
        data = self.data_preprocessor(data, True)
        with optim_wrapper.optim_context(self):
            first = self(**data, mode='loss')
            second = self(inputs=data['inputs'], data_samples=unmarked(data['data_samples']), mode='loss')
        loss = self.parse_losses(first)[0]
        loss = self.parse_losses(second)[0] + torch.nan_to_num(loss)  # the sum, and its gradients, are finite
        optim_wrapper.update_params(loss)
        return dict(loss=loss.detach())


def unmarked(samples):
    samples = [sample.clone() for sample in samples]
    for sample in samples:
        sample.set_metainfo(dict(mark=None))
    return samples


def test_the_losses_of_all_forwards_count(tmp_path, warnings):
    lines, keep = warnings
    runner = train(tmp_path / 'run', [None, 'loss', None], model=TwoForwards, hooks=[keep])
    assert runner.message_hub.get_info('skipped_updates') == 1
    assert 'loss_extra=nan' in next(line for line in lines if line.startswith('iteration 2'))


class NewStatistics(TinyNet):
    """A model that does not change its buffer but replaces it."""

    def __init__(self):
        super().__init__()
        self.register_buffer('seen', torch.zeros(()))
        self.register_buffer('late', None)

    def forward(self, inputs, data_samples, mode='tensor'):
        self.seen = self.seen + torch.stack(list(inputs)).mean()
        self.late = self.seen * 2
        return super().forward(inputs, data_samples, mode)


@pytest.mark.parametrize('mark', ['image', 'loss', 'gradient'])
def test_a_buffer_that_is_replaced_is_put_back(tmp_path, mark):
    spoiled = train(tmp_path / 'spoiled', [mark, None, mark, None], model=NewStatistics)
    clean = train(tmp_path / 'clean', [None] * 2, model=NewStatistics)
    assert_same(state_of(spoiled), state_of(clean))


def test_a_closure_is_refused(tmp_path):
    class Closure(TinyNet):
        def train_step(self, data, optim_wrapper):
            data = self.data_preprocessor(data, True)

            def closure():
                optim_wrapper.zero_grad()
                loss = self.parse_losses(self(**data, mode='loss'))[0]
                loss.backward()
                return loss

            optim_wrapper.step(closure=closure)
            return {}

    with pytest.raises(RunError, match=r'LBFGS computes gradients inside .*non_finite=None'):
        train(tmp_path / 'run', [None], model=Closure, optimizer=dict(type='LBFGS', lr=0.1))


class TwoOptimizers(TinyNet):
    """One optimizer for the convolution, one for the rest."""

    def train_step(self, data, optim_wrapper):
        data = self.data_preprocessor(data, True)
        loss = self.parse_losses(self(**data, mode='loss'))[0]
        first, second = optim_wrapper.values()
        scale = getattr(first, 'loss_scaler', None)
        loss = first.scale_loss(loss)
        (scale.scale(loss) if scale and scale.is_enabled() else loss).backward()
        for wrapper in (first, second):
            wrapper._inner_count += 1
            if wrapper.should_update():
                wrapper.step()
                wrapper.zero_grad()
        return dict(loss=loss.detach())


class SplitOptimizer(Hook):
    """Put a dictionary of two wrappers into the place of the one."""

    priority = 'HIGHEST'

    def __init__(self, make):
        self.make = make

    def before_train(self, runner):
        options = {key: value for key, value in SGD.items() if key != 'type'}
        parts = runner.model.stem, runner.model.fc
        wrappers = [self.make(optimizer=torch.optim.SGD(part.parameters(), **options)) for part in parts]
        runner.optim_wrapper = OptimWrapperDict(stem=wrappers[0], rest=wrappers[1])
        runner.optim_wrapper.initialize_count_status(runner.model, 0, 100)


def shared_scaler():
    scaler = ShortAmpWrapper('float16', optimizer=torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1)).loss_scaler

    def make(optimizer):
        wrapper = ShortAmpWrapper('float16', optimizer=optimizer)
        wrapper.loss_scaler = scaler
        return wrapper

    return make


@pytest.mark.parametrize('mark', ['image', 'loss'])
@pytest.mark.parametrize('kind', ['plain', 'scaler'])
def test_two_optimizers_skip_together(tmp_path, mark, kind):
    make = OptimWrapper if kind == 'plain' else shared_scaler()
    spoiled = train(tmp_path / 'spoiled', [None, mark, None, None], model=TwoOptimizers, hooks=[SplitOptimizer(make)])
    make = OptimWrapper if kind == 'plain' else shared_scaler()
    clean = train(tmp_path / 'clean', [None] * 3, model=TwoOptimizers, hooks=[SplitOptimizer(make)])
    assert_same(list(spoiled.model.state_dict().values()), list(clean.model.state_dict().values()))
    assert spoiled.message_hub.get_info('skipped_updates') == 1


def test_two_optimizers_that_accumulate_skip_the_whole_update(tmp_path):
    hook = SplitOptimizer(partial(OptimWrapper, accumulative_counts=2))
    options = dict(model=TwoOptimizers, hooks=[hook])
    spoiled = train(tmp_path / 'spoiled', [None, None, 'loss', None, None, None], **options)
    other = train(tmp_path / 'other', [None, None, 'loss', 'other', None, None], **options)
    assert spoiled.message_hub.get_info('skipped_updates') == 1
    assert_same(list(spoiled.model.parameters()), list(other.model.parameters()))


@pytest.mark.parametrize('layers', [1, 20])
def test_the_launches_do_not_grow_with_the_model(tmp_path, monkeypatch, layers):
    """Each takes longer than the work in it, and a GPU runs dry meanwhile: seven, whatever the model."""

    class Deep(TinyNet):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), *[nn.BatchNorm2d(4) for _ in range(layers)])

    hook, counted = NonFiniteHook(), []

    def counting(function):
        def call(*args, **kwargs):
            counted.append(list_launches(partial(function, *args, **kwargs)))

        return call

    for name in ('before_train_iter', '_before_forward', '_after_forward', '_before_step', 'after_train_iter'):
        monkeypatch.setattr(hook, name, counting(getattr(hook, name)))
    train(tmp_path / 'run', [None] * 2, model=Deep, hook=hook)
    assert len(counted) == 10
    launches = [name for names in counted[5:] for name in names]
    assert launches.count('aten._foreach_copy_.default') == 2  # floats, and the counts of batches
    assert launches.count('aten._amp_foreach_non_finite_check_and_unscale_.default') == 1
    assert len(launches) == 7, launches
