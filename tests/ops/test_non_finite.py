"""An infinity or a NaN in one cell reaches what the definition computes from it, forward and backward, and no more."""

import pytest
import torch

from mmvidext import ops
from mmvidext.ops._correlation_tiles import correlate, correlate_backward
from mmvidext.ops._non_finite_cells import gradients_in_place
from tests.oracles.dynamic_filter import naive_dynamic_filter, naive_pool_samples
from tests.oracles.flow_warp import flow_warp
from tests.oracles.local_correlation import local_correlation, patch_correlation
from tests.oracles.roi_pooling import ps_roi_pool
from tests.oracles.temporal_interlace import naive_temporal_interlace
from tests.oracles.temporal_shift import temporal_shift

VALUES = [float('inf'), float('-inf'), float('nan')]


def draw(*shape):
    return torch.randn(shape, dtype=torch.float64)


class TilesOfAnotherDevice(torch.autograd.Function):
    """What runs where to look for a value would mean to wait."""

    @staticmethod
    def forward(ctx, feat1, feat2, dilation):
        ctx.save_for_backward(feat1, feat2)
        ctx.dilation = dilation
        return correlate(feat1, feat2, 2, dilation, group=2).permute(0, 3, 4, 1, 2)

    @staticmethod
    def backward(ctx, grad):
        feat1, feat2 = ctx.saved_tensors
        grad = grad.permute(0, 3, 4, 1, 2)

        def backward(*feats):
            return correlate_backward(grad, *feats, 2, ctx.dilation, group=2)

        return *gradients_in_place(backward, feat1, feat2, 2, ctx.dilation), None


def outside(feat1, feat2, dilation):
    """What a cell scores with the zeros outside of the map: NaN if it is not finite."""
    inside = local_correlation(*(torch.ones(1, 1, *feat1.shape[2:]) for _ in range(2)), 2, dilation) != 0
    own = (feat1.detach() * 0).sum(1)[:, None, None]
    return torch.where(inside, 0, own)


MAPS = draw(2, 3, 7, 8), draw(2, 3, 7, 8)
WHOLE = torch.zeros(2, 2, 5, 6).double()
WHOLE[:, 0] = 1
BOXES = torch.tensor([[0.0, 0, 0, 7, 8], [0, 0, 0, 3, 3], [0, 4, 1, 7, 8], [1, 1, 1, 6, 6]]).double()
PATCH = dict(kernel_size=3, stride=2, padding=1, dilation=2)
FILTER = dict(kernel_size=3, num_samples=3, sample_stride=2)
INTERLACE = torch.tensor([[1.0, -1.5, 0.0], [0.5, 2.0, 7.0]]).double(), torch.rand(2, 4, 3).double() + 0.5
# the op, its definition, what it is given
CASES = {
    'correlation': (lambda *f: ops.local_correlation(*f, 2), lambda *f: local_correlation(*f, 2), MAPS),
    'dilated correlation': (
        lambda *f: ops.local_correlation(*f, 2, dilation=2),
        lambda *f: local_correlation(*f, 2, 2),
        MAPS,
    ),
    'correlation on another device': (
        lambda *f: TilesOfAnotherDevice.apply(*f, 1),
        lambda *f: local_correlation(*f, 2) + outside(*f, 1),
        MAPS,
    ),
    'dilated correlation on another device': (
        lambda *f: TilesOfAnotherDevice.apply(*f, 2),
        lambda *f: local_correlation(*f, 2, 2) + outside(*f, 2),
        MAPS,
    ),
    'correlation of patches': (
        lambda *f: ops.local_correlation(*f, 1, **PATCH),
        lambda *f: patch_correlation(*f, 1, **PATCH),
        MAPS,
    ),
    'warp': (ops.flow_warp, flow_warp, (draw(2, 3, 5, 6), draw(2, 2, 5, 6))),
    'warp by whole pixels': (ops.flow_warp, flow_warp, (draw(2, 3, 5, 6), WHOLE)),
    'warp with borders': (
        lambda *a: ops.flow_warp(*a, padding_mode='border'),
        lambda *a: flow_warp(*a, padding_mode='border'),
        (draw(2, 3, 5, 6), WHOLE),
    ),
    'shift': (lambda x: ops.temporal_shift(x, 4, 4), lambda x: temporal_shift(x, 4, 4, False), (draw(8, 6, 2, 3),)),
    'interlace': (
        lambda x, weights: ops.temporal_interlace(x, INTERLACE[0], weights, 4),
        lambda x, weights: naive_temporal_interlace(x, INTERLACE[0], weights, 4),
        (draw(8, 6, 2, 3), INTERLACE[1]),
    ),
    'pooling': (
        lambda *a: ops.pool_samples(*a, num_samples=3, sample_stride=2),
        lambda *a: naive_pool_samples(*a, num_samples=3, sample_stride=2),
        (draw(2, 3, 5, 6), draw(2, 9, 5, 6)),
    ),
    'dynamic filter': (
        lambda *a: ops.dynamic_filter(*a, **FILTER),
        lambda *a: naive_dynamic_filter(*a, **FILTER),
        (draw(1, 2, 6, 7), *(draw(1, count, 6, 7) for count in (3 * 9, 3 * 2, 9, 9))),
    ),
}
INPUTS = [
    (name, number)
    for name, (_, _, inputs) in CASES.items()
    for number, value in enumerate(inputs)
    # a flow that is not finite: test_flow_warp.py; the other weights of the shift are no maps
    if value.ndim == 4 and not (name.startswith('warp') and number)
]


def gradients(function, inputs, grad):
    inputs = [value.clone().requires_grad_() for value in inputs]
    out = function(*inputs)
    return out.detach(), *torch.autograd.grad(out, inputs, grad, allow_unused=True)


@pytest.mark.parametrize('value', VALUES)
@pytest.mark.parametrize(('name', 'number'), INPUTS)
def test_equals_the_definition(name, number, value):
    function, definition, inputs = CASES[name]
    inputs = [tensor.clone() for tensor in inputs]
    inputs[number][0, 1, -2, 2] = value
    grad = torch.rand_like(definition(*inputs)) + 0.5
    for found, expected in zip(*(gradients(f, inputs, grad) for f in (function, definition)), strict=True):
        if expected is not None:  # the loop of the warp has no gradient for the flow
            bad = ~expected.isfinite()
            assert torch.equal(~found.isfinite(), bad)
            torch.testing.assert_close(found[~bad], expected[~bad])


@pytest.mark.parametrize('value', VALUES)
def test_position_sensitive_pooling(value):
    """The cell is in a bin of the first box, and above and to the left of one of the third."""
    feature = draw(2, 8, 9, 8)
    feature[0, 1, 2, 5] = value
    grad = draw(4, 2, 2, 2)
    found = gradients(lambda x: ops.ps_roi_pool(x, BOXES, 2), [feature], grad)
    expected = gradients(lambda x: ps_roi_pool(x, BOXES, 2), [feature], grad)
    assert (~expected[0].isfinite()).sum() == 1
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, equal_nan=True)


@pytest.mark.parametrize('value', VALUES)
@pytest.mark.parametrize('padding_mode', ['zeros', 'border'])
def test_what_a_compiled_warp_spreads(value, padding_mode):
    """Exactly what flow_warp says of a GPU and a compiled model: the three pixels that have it as a neighbor."""
    feature = draw(1, 2, 6, 8)
    feature[0, 1, 3, 4] = value
    compiled = torch.compile(ops.flow_warp, backend='aot_eager')
    found = compiled(feature, torch.zeros(1, 2, 6, 8).double(), padding_mode=padding_mode)
    bad = torch.zeros(1, 2, 6, 8, dtype=torch.bool)
    bad[0, 1, 2:4, 3:5] = True
    assert torch.equal(~found.isfinite(), bad)
    assert torch.equal(found[~bad], feature[~bad])
    assert torch.equal(found[0, 1, 3, 4], feature[0, 1, 3, 4]) or value != value


@pytest.mark.parametrize('value', VALUES)
def test_what_samples_at_whole_pixels_spread(value):
    """As roi_align and deform_conv2d say of themselves: a product with a weight of zero is NaN."""
    feature = torch.ones(1, 1, 6, 6)
    feature[0, 0, 3, 3] = value
    bad = torch.zeros(1, 1, 6, 6, dtype=torch.bool)
    bad[0, 0, 2:4, 2:4] = True
    found = ops.deform_conv2d(feature, torch.zeros(1, 2, 6, 6), torch.ones(1, 1, 1, 1))
    assert torch.equal(~found.isfinite(), bad)
    found = ops.roi_align(feature, torch.tensor([[0.0, 0, 0, 4, 4]]), (4, 4), sampling_ratio=1)
    assert torch.equal(~found.isfinite(), bad[..., :4, :4])
