"""What each process has of a run's state; whole runs that are killed and resumed: tests/reliability."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from mmvidext.engine.rank_state import capture_rank, restore_rank, unsaved_buffers
from mmvidext.engine.resumed_state import check_training_state


def one_of(counts):
    """Return a runner of as many optimizers as there are lengths of accumulation windows."""
    model = nn.ModuleList(nn.Linear(2, 1) for _ in counts)
    wrappers = {
        str(number): OptimWrapper(torch.optim.SGD(part.parameters(), lr=0.1), accumulative_counts=length)
        for number, (part, length) in enumerate(zip(model, counts, strict=True))
    }
    return SimpleNamespace(
        model=model, optim_wrapper=OptimWrapperDict(**wrappers) if len(wrappers) > 1 else wrappers['0']
    )


def train(runner, iterations):
    """Train each part, of several the second in every other iteration only."""
    wrappers = runner.optim_wrapper
    for number in iterations:
        if not isinstance(wrappers, OptimWrapperDict):
            wrappers.update_params(runner.model[0](torch.ones(2)).square().sum())
            continue
        for (name, wrapper), part in zip(wrappers.items(), runner.model, strict=True):
            if name == '0' or number % 2 == 0:
                wrapper.update_params(part(torch.ones(2)).square().sum())


@pytest.mark.parametrize('counts', [(2, 3), (3,)])
def test_each_optimizer_ends_its_accumulation_window_where_it_would_have(counts):
    whole = one_of(counts)
    train(whole, range(5))
    state, weights = capture_rank(whole, {}), {name: value.clone() for name, value in whole.model.state_dict().items()}
    resumed = one_of(counts)
    resumed.model.load_state_dict(weights)
    restore_rank(resumed, state)
    for runner in (whole, resumed):
        train(runner, range(5, 12))
    for here, there in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(here, there)


def test_a_state_of_an_older_version_leaves_the_counts_as_they_are():
    runner = one_of((2,))
    state = capture_rank(runner, {})
    del state['counts']
    runner.optim_wrapper._inner_count = 7
    restore_rank(runner, state)
    assert runner.optim_wrapper.inner_count == 7


class Counting(nn.Module):
    """Has buffers that are in no state dict: the mean is of the config, the others change in training."""

    def __init__(self, mean):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.register_buffer('mean', torch.tensor(mean), persistent=False)
        self.register_buffer('seen', torch.zeros(()), persistent=False)
        self.register_buffer('queue', torch.zeros(0, 2), persistent=False)
        self.register_buffer('statistics', torch.zeros(1))

    def runner(self):
        return SimpleNamespace(model=self, optim_wrapper=OptimWrapper(torch.optim.SGD(self.parameters(), lr=0.1)))


@pytest.mark.parametrize('processes', [1, 2])
def test_buffers_that_are_in_no_state_dict_are_kept_if_they_changed(processes, monkeypatch):
    monkeypatch.setattr('mmvidext.engine.rank_state.get_world_size', lambda: processes)
    model = Counting(0.5)
    as_built = {name: buffer.clone() for name, buffer in unsaved_buffers(model).items()}
    assert sorted(as_built) == ['mean', 'queue', 'seen']
    model.seen += 5
    model.queue = torch.ones(3, 2, dtype=torch.float16)  # of another length and type
    state = capture_rank(model.runner(), as_built)
    assert sorted(state['buffers']) == ['queue', 'seen', *(['statistics'] if processes > 1 else [])]
    resumed = Counting(0.25)  # the user has changed the config
    whole = dict(ranks=[state], batches=1, validated=False, early_stopping=[], stop_training=False)
    check_training_state(resumed.runner(), whole)
    restore_rank(resumed.runner(), state)
    assert resumed.mean == 0.25
    assert resumed.seen == 5
    assert torch.equal(resumed.queue, model.queue)
    assert resumed.queue.dtype == torch.float16
