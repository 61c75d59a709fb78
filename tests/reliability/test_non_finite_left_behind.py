"""What a bad step, or a run that it ended, leaves behind: in buffers, and in the next run of the same process."""

import pytest
import torch
from mmengine.hooks import Hook
from torch import nn

from mmvidext.engine import NonFiniteHook, RunError
from mmvidext.engine.kept_buffers import KeptBuffers
from tests.reliability.test_non_finite import NAN, TinyNet, assert_same, state_of, train, warnings

__all__ = ['warnings']  # a fixture


class TakeOptimizer(Hook):
    """Go on with the optimizer of a run that has ended."""

    priority = 'HIGHEST'

    def __init__(self, wrapper):
        self.wrapper = wrapper

    def before_train(self, runner):
        runner.optim_wrapper = self.wrapper


class KeepRunner(Hook):
    def before_train(self, runner):
        self.runner = runner


def test_a_run_that_stopped_does_not_reach_into_the_next_one(tmp_path):
    ended, hook = KeepRunner(), NonFiniteHook(max_in_a_row=1)
    with pytest.raises(RunError, match='1 updates in a row'):
        train(tmp_path / 'ended', [None, 'loss', None], hook=hook, hooks=[ended])
    model, wrapper = ended.runner.model, ended.runner.optim_wrapper
    before = state_of(ended.runner)
    runner = train(tmp_path / 'next', [None] * 2, model=lambda: model, hooks=[TakeOptimizer(wrapper)])
    assert not any(torch.equal(a, b) for a, b in zip(before[:2], state_of(runner)[:2], strict=True))
    assert runner.message_hub.get_info('skipped_updates') is None
    assert not hook._now.calls
    assert not model._forward_pre_hooks
    assert not wrapper.optimizer._optimizer_step_pre_hooks
    # the same runner once more: the update that was skipped is over
    ended.runner.train_loop._iter = 0
    hook.max_in_a_row = 10
    before = state_of(ended.runner)
    ended.runner.train()
    assert not torch.equal(before[0], state_of(ended.runner)[0])


def test_an_error_of_another_kind_leaves_no_hook_to_the_next_run(tmp_path):
    class Fail(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            raise KeyError('of a user')

    ended, hook = KeepRunner(), NonFiniteHook()
    with pytest.raises(KeyError, match='of a user'):
        train(tmp_path / 'ended', [None, None], hook=hook, hooks=[ended, Fail()])
    train(tmp_path / 'next', [None] * 3, model=lambda: ended.runner.model)
    assert len(hook._now.calls) <= 1
    assert not ended.runner.model._forward_pre_hooks


def test_the_model_may_be_used_between_iterations(tmp_path):
    """As torch's ``update_bn`` does: what it is given is not kept."""
    hook = NonFiniteHook()

    class Use(Hook):
        priority = 'LOWEST'

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            runner.model(**runner.model.data_preprocessor(data_batch, True), mode='loss')
            assert not hook._now.calls

    train(tmp_path / 'run', [None] * 2, hook=hook, hooks=[Use()])


@pytest.mark.parametrize('value', [1e21, -3.4e38])
def test_statistics_that_overflow_are_a_bad_step(tmp_path, value):
    """The variance of these numbers is not finite, but loss and gradients are."""

    class Large(TinyNet):
        def forward(self, inputs, data_samples, mode='tensor'):
            if any(sample.mark for sample in data_samples):
                inputs = [image.clone().fill_(value) for image in inputs]
                inputs[1][0, 0, 0] = 0
                out = super().forward(inputs, data_samples, mode)
                return {name: loss * 0 + 1 if 'loss' in name else loss for name, loss in out.items()}
            return super().forward(inputs, data_samples, mode)

    spoiled = train(tmp_path / 'spoiled', [None, 'statistics', None], model=Large)
    assert spoiled.message_hub.get_info('skipped_updates') == 1
    assert all(tensor.isfinite().all() for tensor in state_of(spoiled))


def test_only_the_statistics_may_be_bad(tmp_path, warnings):
    lines, keep = warnings

    class Overflow(TinyNet):
        def forward(self, inputs, data_samples, mode='tensor'):
            out = super().forward(inputs, data_samples, mode)
            if any(sample.mark for sample in data_samples):
                self.stem[1].running_var.data[2] = torch.inf  # as a normalization itself, unseen by autograd
            return out

    spoiled = train(tmp_path / 'spoiled', [None, 'statistics', None], model=Overflow, hooks=[keep])
    (line,) = [line for line in lines if line.startswith('iteration')]
    assert 'running statistics are not finite: stem.1.running_var; samples: videos/1_0.webm' in line
    assert_same(state_of(spoiled), state_of(train(tmp_path / 'clean', [None] * 2)))


class WithBuffer(TinyNet):
    def __init__(self):
        super().__init__()
        self.register_buffer('center', torch.zeros(3))


def assign(model, mean):
    model.center.data = model.center + mean


def resize(model, mean):
    if model.center.numel() == 3:
        model.center.resize_(5).zero_()
    model.center += mean


def replace(model, mean):
    model.center = model.center + mean


def add(model, mean):
    if not hasattr(model.fc, 'late'):
        model.fc.register_buffer('late', torch.zeros(()))
    model.fc.late += mean


@pytest.mark.parametrize('change', [assign, resize, replace, add])
@pytest.mark.parametrize('marks', [['image', None], [None, 'image', None]])
def test_however_a_buffer_changes_it_gets_its_values_back(tmp_path, change, marks):
    class Changing(WithBuffer):
        def forward(self, inputs, data_samples, mode='tensor'):
            change(self, torch.stack(list(inputs)).mean())
            return super().forward(inputs, data_samples, mode)

    spoiled = train(tmp_path / 'spoiled', marks, model=Changing)
    clean = train(tmp_path / 'clean', [mark for mark in marks if mark is None], model=Changing)
    assert_same(state_of(spoiled), state_of(clean))


def test_a_buffer_with_one_element_is_put_back_however_it_was_made():
    model = nn.Module()
    model.register_buffer('step', torch.zeros(1).expand(1, 1))
    model.register_buffer('turned', torch.ones(2, dtype=torch.complex64).conj())
    kept = KeptBuffers(model)
    kept.keep()
    model.step += NAN
    kept.put_back()
    assert model.step.item() == 0


def test_a_running_statistic_that_a_step_removes_is_none_to_look_at():
    model = nn.BatchNorm1d(2)
    kept = KeptBuffers(model)
    kept.keep()
    del model.running_var
    assert kept.running_statistics() == [model.running_mean]
    kept.put_back()
    assert model.running_var.tolist() == [1, 1]


def test_a_scripted_part_of_a_model_trains(tmp_path):
    class Scripted(TinyNet):
        def __init__(self):
            super().__init__()
            self.stem = torch.jit.script(self.stem)

    spoiled = train(tmp_path / 'spoiled', [None, 'image', None], model=Scripted)
    assert_same(state_of(spoiled), state_of(train(tmp_path / 'clean', [None] * 2)))
