"""Derivatives in forward mode, of second order and by torch.func: right, or refused; never zero for want of a rule."""

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from mmvidext import ops


def draw(*shape):
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


FILTER = dict(kernel_size=3, num_samples=3, sample_stride=2)


def projected(feature, code, weight, bias):
    others = [torch.ones(1, count, 3, 4, dtype=torch.float64) for count in (9 * 2, 9, 9)]
    return ops.dynamic_filter(feature, others[0], ops.ProjectedKernel(code, weight, bias), *others[1:], **FILTER)


CASES = {
    'local_correlation': (lambda *f: ops.local_correlation(*f, 1), (draw(1, 2, 3, 4), draw(1, 2, 3, 4))),
    'patches': (
        lambda *f: ops.local_correlation(*f, 1, kernel_size=3, padding=1),
        (draw(1, 2, 3, 4), draw(1, 2, 3, 4)),
    ),
    'kernel_soft_argmax': (
        lambda s: ops.kernel_soft_argmax(s, temperature=0.5)[0],
        (draw(1, 3, 3, 2, 2),),
    ),
    'flow_warp': (lambda *a: ops.flow_warp(*a), (draw(1, 2, 4, 5), draw(1, 2, 4, 5))),
    'temporal_shift': (lambda x: ops.temporal_shift(x, 3, 2), (draw(3, 4, 2, 2),)),
    'temporal_interlace': (
        lambda *a: ops.temporal_interlace(*a, 3),
        (draw(3, 4, 2, 2), draw(1, 2), draw(1, 3, 2)),
    ),
    'pool_samples': (
        lambda *a: ops.pool_samples(*a, num_samples=3, sample_stride=2),
        (draw(1, 2, 3, 4), draw(1, 9, 3, 4)),
    ),
    'dynamic_filter': (
        lambda *a: ops.dynamic_filter(*a, **FILTER),
        (draw(1, 2, 3, 4), draw(1, 9 * 2, 3, 4), draw(1, 2 * 2, 3, 4), draw(1, 9, 3, 4), draw(1, 9, 3, 4)),
    ),
    'dynamic_filter, projected': (projected, (draw(1, 2, 3, 4), draw(1, 3, 3, 4), draw(4, 3, 1, 1), draw(4))),
}


@pytest.mark.parametrize('name', [name for name in CASES if name != 'flow_warp'])
def test_forward_mode(name):
    function, inputs = CASES[name]
    tangents = tuple(torch.randn_like(value) for value in inputs)
    found = torch.func.jvp(function, tuple(value.detach() for value in inputs), tangents)[1]
    moved = [
        function(*(v.detach() + step * t for v, t in zip(inputs, tangents, strict=True))) for step in (1e-6, -1e-6)
    ]
    torch.testing.assert_close(found, (moved[0] - moved[1]) / 2e-6, rtol=1e-5, atol=1e-7)
    assert gradcheck(function, inputs)


@pytest.mark.parametrize('name', CASES)
def test_second_order(name):
    function, inputs = CASES[name]
    assert gradgradcheck(function, inputs)


@pytest.mark.parametrize('order', [1, -1])
@pytest.mark.parametrize('name', [name for name, (_, inputs) in CASES.items() if len(inputs) > 1])
def test_inputs_that_come_from_one_another(name, order):
    """What flows through another input counts once, where the backward pass is recorded, too."""
    function, inputs = CASES[name]
    first, *others = inputs[::order]

    def grad(**settings):
        values = [first]
        for other in others:
            last = values[-1].flatten()
            taken = last[torch.arange(other.numel()) % len(last)].view_as(other).sin()
            values.append(values[-1] if other.shape == values[-1].shape else taken)
        return torch.autograd.grad(function(*values[::order]).square().sum(), first, **settings)

    torch.testing.assert_close(grad(create_graph=True), grad())


@pytest.mark.parametrize('name', CASES)
def test_torch_func(name):
    function, inputs = CASES[name]

    def loss(*values):
        return function(*values).square().sum()

    found = torch.func.grad(loss, tuple(range(len(inputs))))(*(value.detach() for value in inputs))
    torch.testing.assert_close(found, torch.autograd.grad(loss(*inputs), inputs))
    pairs = [torch.stack((value.detach(), value.detach() * 2)) for value in inputs]
    expected = torch.stack([function(*values) for values in zip(*pairs, strict=True)])
    torch.testing.assert_close(torch.func.vmap(function)(*pairs), expected)


def test_a_penalty_on_the_gradient_of_a_sum():
    """Where the incoming gradient is a constant."""
    function, inputs = CASES['pool_samples']
    (grad,) = torch.autograd.grad(function(*inputs).sum(), inputs[:1], create_graph=True)
    (found,) = torch.autograd.grad(grad.square().sum(), inputs[1:])
    moved = inputs[1].detach().clone().requires_grad_()
    padded = torch.nn.functional.pad(inputs[0], (2,) * 4)
    taps = [padded[:, :, y : y + 3, x : x + 4] for y in (0, 2, 4) for x in (0, 2, 4)]
    total = sum(tap * moved[:, index : index + 1] for index, tap in enumerate(taps)).sum()
    (grad,) = torch.autograd.grad(total, inputs[:1], create_graph=True)
    torch.testing.assert_close(found, torch.autograd.grad(grad.square().sum(), [moved])[0])


@pytest.mark.parametrize('name', [name for name in CASES if name != 'flow_warp'])
def test_forward_mode_beside_backward_mode(name):
    """A tensor that has a tangent and needs a gradient, too."""
    function, inputs = CASES[name]
    tangents = [torch.randn_like(value) for value in inputs]
    found = []
    for values in (inputs, [value.detach() for value in inputs]):
        with forward_ad.dual_level():
            out = function(*map(forward_ad.make_dual, values, tangents))
            found.append(forward_ad.unpack_dual(out).tangent)
    torch.testing.assert_close(*found)


def correlate(feat1, feat2):
    return ops.local_correlation(feat1, feat2, 1)


def test_plain_correlation_is_as_exact_as_the_other():
    """In autocast, and with an infinity at the border."""
    feats = torch.randn(2, 1, 8, 5, 5)
    feats[0, 0, 0, 0, 0] = torch.inf
    with torch.autocast('cpu', torch.bfloat16):
        (found,) = torch.func.vmap(correlate)(*feats.unsqueeze(1))
        torch.testing.assert_close(found, correlate(*feats))


def test_recorded_gradients_are_exact_in_autocast():
    inputs = torch.randn(2, 1, 8, 5, 5, requires_grad=True).unbind()
    out = correlate(*inputs).square().sum()
    with torch.autocast('cpu', torch.bfloat16):
        found = torch.autograd.grad(out, inputs, create_graph=True)
    torch.testing.assert_close(found, torch.autograd.grad(out, inputs))


def test_forward_mode_of_the_warp_is_refused():
    """torch has no rule for its ``grid_sample``."""
    function, inputs = CASES['flow_warp']
    inputs = tuple(value.detach() for value in inputs)
    with pytest.raises(NotImplementedError, match='grid_sampler_2d'):
        torch.func.jvp(function, inputs, inputs)


def test_triton_has_no_forward_mode():
    def shift(x):
        return ops.temporal_shift(x, 2, 2, backend='triton')

    with pytest.raises(ValueError, match=r"backend 'triton' works neither in torch\.func nor in forward mode"):
        torch.func.jvp(shift, (torch.rand(2, 4, 1, 1),), (torch.rand(2, 4, 1, 1),))
