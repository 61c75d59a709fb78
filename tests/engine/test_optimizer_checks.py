"""Which states the optimizers of a run take from a checkpoint; what a run does with it: tests/reliability."""

import copy

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from mmvidext.engine import RunError
from mmvidext.engine.optimizer_checks import check_optimizer_kinds, check_optimizers, optimizer_kinds

OPTIMIZERS = [
    ('SGD', dict()),
    ('SGD', dict(momentum=0.9, nesterov=True)),
    ('Adam', dict(amsgrad=True)),
    ('AdamW', dict(betas=[0.9, 0.99])),
    ('NAdam', dict()),
    ('RAdam', dict()),
    ('Adamax', dict()),
    ('Adagrad', dict()),
    ('Adadelta', dict()),
    ('RMSprop', dict(centered=True, momentum=0.9)),
    ('Adafactor', dict()),
    ('LBFGS', dict()),
]


class ScaledOptimWrapper(OptimWrapper):
    def __init__(self, optimizer):
        super().__init__(optimizer)
        self.loss_scaler = torch.amp.GradScaler('cpu')


def stepped(kind='SGD', *, wrapper=OptimWrapper, **settings):
    """Return a wrapper whose optimizer has made a step for one of two parameters."""
    parameters = [nn.Parameter(torch.rand(2, 3)), nn.Parameter(torch.rand(4))]
    optimizer = getattr(torch.optim, kind)(parameters, **dict(lr=0.1) | settings)
    parameters[0].grad = torch.rand(2, 3)
    optimizer.step(*([lambda: parameters[0].sum()] if kind == 'LBFGS' else []))
    return wrapper(optimizer)


@pytest.mark.parametrize(('kind', 'settings'), OPTIMIZERS)
def test_the_state_of_each_optimizer_of_torch_is_taken(kind, settings):
    wrapper = stepped(kind, **settings)
    check_optimizers(wrapper, wrapper.state_dict())
    check_optimizer_kinds(stepped(kind, **settings), optimizer_kinds(wrapper))


@pytest.mark.parametrize(('kind', 'settings'), [one for one in OPTIMIZERS if one[0] not in ('Adafactor', 'LBFGS')])
def test_each_tensor_of_a_state_is_checked(kind, settings):
    wrapper = stepped(kind, **settings)
    state = wrapper.state_dict()
    for name, value in list(state['state'].get(0, {}).items()):
        for wrong in ('x', torch.zeros(5), torch.zeros_like(value, device='meta')):
            changed = copy.deepcopy(state)
            changed['state'][0][name] = wrong
            with pytest.raises(RunError, match=f'damaged: {name} of its {kind} is'):
                check_optimizers(wrapper, changed)


@pytest.mark.parametrize(
    ('here', 'there', 'message'),
    [
        (dict(kind='Adam'), dict(kind='AdamW'), 'is of AdamW, and the config has Adam'),
        (dict(kind='Adamax'), dict(kind='Adam'), 'is of Adam, and the config has Adamax'),
        (dict(momentum=0.9), dict(momentum=0.8), r'momentum of SGD is 0\.9 here and 0\.8 in this checkpoint'),
        (dict(momentum=0.9), dict(momentum=0.9, nesterov=True), 'nesterov of SGD is False here and True in this'),
    ],
)
def test_another_optimizer_is_refused(here, there, message):
    with pytest.raises(RunError, match=message):
        check_optimizer_kinds(stepped(**here), optimizer_kinds(stepped(**there)))


def test_how_a_step_is_computed_does_not_matter():
    check_optimizer_kinds(stepped('AdamW', foreach=True), optimizer_kinds(stepped('AdamW', foreach=False)))
    check_optimizer_kinds(stepped('AdamW', betas=[0.9, 0.99]), optimizer_kinds(stepped('AdamW', betas=(0.9, 0.99))))


def test_each_of_several_optimizers_is_compared_by_its_name():
    here = OptimWrapperDict(a=stepped('Adam'), b=stepped('SGD'))
    check_optimizers(here, here.state_dict())
    check_optimizer_kinds(here, optimizer_kinds(here))
    swapped = OptimWrapperDict(a=stepped('SGD'), b=stepped('Adam'))
    with pytest.raises(RunError, match='is of SGD, and the config has Adam'):
        check_optimizer_kinds(here, optimizer_kinds(swapped))
    with pytest.raises(RunError, match='no state of the optimizer a'):
        check_optimizers(here, dict(b=here['b'].state_dict()))
    with pytest.raises(RunError, match="has the state of an optimizer 'c'"):
        check_optimizers(here, dict(here.state_dict(), c={}))


def test_another_wrapper_is_logged(monkeypatch):
    warnings = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', warnings.append)
    check_optimizer_kinds(stepped(), optimizer_kinds(stepped(wrapper=ScaledOptimWrapper)))
    assert len(warnings) == 1
    assert 'is of a run with ScaledOptimWrapper, and this one has OptimWrapper: it resumes, but' in warnings[0]


def test_a_loss_scale_that_says_nothing_is_refused():
    """bfloat16 is not scaled, so a checkpoint of such a run has an empty state of the scale."""
    wrapper = stepped(wrapper=ScaledOptimWrapper)
    state = wrapper.state_dict()
    check_optimizers(wrapper, dict(state, loss_scaler=wrapper.loss_scaler.state_dict()))
    check_optimizers(wrapper, state)  # mmengine lets the scale begin anew
    with pytest.raises(RunError, match='no state of the loss scale'):
        check_optimizers(wrapper, dict(state, loss_scaler={}))
