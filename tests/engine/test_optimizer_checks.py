"""Which states the optimizers of a run take from a checkpoint; what a run does with it: tests/reliability."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import CosineAnnealingMomentum, OptimWrapper, OptimWrapperDict
from torch import nn

from mmvidext.engine import RunError
from mmvidext.engine.optimizer_checks import check_optimizer_types, check_optimizers, optimizer_changes, optimizer_types

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
    ('ASGD', dict()),
    ('Rprop', dict()),
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
    check_optimizer_types(stepped(kind, **settings), optimizer_types(wrapper))


@pytest.mark.parametrize(('kind', 'settings'), [one for one in OPTIMIZERS if one[0] != 'LBFGS'])
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
    ('kind', 'settings', 'kept'),
    [
        ('AdamW', dict(), 'exp_avg'),
        ('SGD', dict(momentum=0.9), 'momentum_buffer'),
        ('RMSprop', dict(momentum=0.9), 'momentum_buffer'),
    ],
)
def test_a_schedule_of_the_momentum_makes_no_momentum_buffer(kind, settings, kept):
    """mmengine's writes a momentum into the groups of each optimizer; for Adam it is the first of the betas."""
    wrapper = stepped(kind, **settings)
    CosineAnnealingMomentum(wrapper, T_max=4, by_epoch=False).step()
    assert 'momentum' in wrapper.param_groups[0]
    state = wrapper.state_dict()
    check_optimizers(wrapper, state)
    state['state'][0][kept] = torch.zeros(5)
    with pytest.raises(RunError, match=f'damaged: {kept} of its {kind} is a tensor of shape'):
        check_optimizers(wrapper, state)


def test_settings_that_the_optimizer_itself_refuses_are_damage():
    wrapper = stepped('Adam')
    state = wrapper.state_dict()
    state['param_groups'][0]['eps'] = -1.0
    with pytest.raises(RunError, match='damaged: the settings of its Adam: Invalid epsilon value'):
        check_optimizers(wrapper, state)


@pytest.mark.parametrize(
    ('here', 'there', 'message'),
    [
        (dict(kind='Adam'), dict(kind='AdamW'), 'is of AdamW, and the config has Adam'),
        (dict(kind='Adamax'), dict(kind='Adam'), 'is of Adam, and the config has Adamax'),
    ],
)
def test_another_optimizer_is_refused(here, there, message):
    with pytest.raises(RunError, match=message):
        check_optimizer_types(stepped(**here), optimizer_types(stepped(**there)))


def changed(here, there, schedulers=None):
    return [change for change in optimizer_changes(here, schedulers, there.state_dict()) if change[1] != change[2]]


def test_settings_that_no_schedule_changes_are_compared():
    assert changed(stepped(momentum=0.9), stepped(momentum=0.8)) == [('momentum of SGD', 0.9, 0.8)]
    assert changed(stepped('Adam', betas=(0.9, 0.99)), stepped('Adam')) == [
        ('betas of Adam', [0.9, 0.99], [0.9, 0.999])
    ]
    schedule = [SimpleNamespace(param_name='momentum')]
    assert changed(stepped('Adam', betas=(0.9, 0.99), lr=0.2), stepped('Adam'), schedule) == [('lr of Adam', 0.2, 0.1)]
    here, there = (OptimWrapperDict(a=stepped(lr=lr), b=stepped('Adam', eps=eps)) for lr, eps in ((1, 1), (2, 3)))
    assert changed(here, there, {'a': [SimpleNamespace(param_name='lr')]}) == [('eps of Adam', 1, 3)]


def test_how_a_step_is_computed_does_not_matter():
    assert changed(stepped('AdamW', foreach=True), stepped('AdamW', foreach=False)) == []
    assert changed(stepped('AdamW', betas=[0.9, 0.99]), stepped('AdamW', betas=(0.9, 0.99))) == []


def test_each_of_several_optimizers_is_compared_by_its_name():
    here = OptimWrapperDict(a=stepped('Adam'), b=stepped('SGD'))
    check_optimizers(here, here.state_dict())
    check_optimizer_types(here, optimizer_types(here))
    swapped = OptimWrapperDict(a=stepped('SGD'), b=stepped('Adam'))
    with pytest.raises(RunError, match='is of SGD, and the config has Adam'):
        check_optimizer_types(here, optimizer_types(swapped))
    with pytest.raises(RunError, match='no state of the optimizer a'):
        check_optimizers(here, dict(b=here['b'].state_dict()))
    with pytest.raises(RunError, match="has the state of an optimizer 'c'"):
        check_optimizers(here, dict(here.state_dict(), c={}))


def test_a_loss_scale_that_says_nothing_is_refused():
    """bfloat16 is not scaled, so a checkpoint of such a run has an empty state of the scale."""
    wrapper = stepped(wrapper=ScaledOptimWrapper)
    state = wrapper.state_dict()
    check_optimizers(wrapper, dict(state, loss_scaler=wrapper.loss_scaler.state_dict()))
    check_optimizers(wrapper, state)  # mmengine lets the scale begin anew
    with pytest.raises(RunError, match='no state of the loss scale'):
        check_optimizers(wrapper, dict(state, loss_scaler={}))
