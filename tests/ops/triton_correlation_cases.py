"""The correlation in Triton's interpreter: ``TRITON_INTERPRET=1 pytest THIS_FILE``; see test_triton.py."""

from importlib import import_module

import pytest
import torch
from torch.autograd import grad as gradients

from mmvidext.ops import _correlation_triton, local_correlation
from tests.launches import count_launches
from tests.oracles.local_correlation import local_correlation as loops

op_module = import_module('mmvidext.ops.local_correlation')

DTYPES = {torch.float32: 2e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}
LAYOUTS = [torch.contiguous_format, torch.channels_last]
# shape, largest displacement, dilation: odd sizes, windows larger than the map, more channels than a block, one cell
CORRELATIONS = [
    ((2, 3, 5, 7), 2, 1),
    ((1, 2, 3, 33), 3, 1),
    ((1, 37, 3, 4), 1, 1),
    ((1, 3, 7, 6), 2, 2),
    ((1, 2, 5, 8), 1, 3),
    ((1, 3, 1, 1), 2, 1),
    ((1, 2, 3, 4), 0, 1),
]


def close(actual, expected, tolerance):
    assert actual.dtype in DTYPES
    torch.testing.assert_close(actual.double(), expected.double(), rtol=tolerance, atol=tolerance)


# every dtype and layout with dilation, every shape in float32
CASES = [(*CORRELATIONS[3], dtype, layout) for dtype in DTYPES for layout in LAYOUTS]
CASES += [(*case, torch.float32, layout) for case, layout in zip(CORRELATIONS, LAYOUTS * 4, strict=False)]


@pytest.mark.parametrize(('shape', 'radius', 'dilation', 'dtype', 'layout'), CASES)
def test_correlation_equals_the_loops(shape, radius, dilation, dtype, layout):
    maps = [torch.randn(shape).to(dtype, memory_format=layout).requires_grad_() for _ in range(2)]
    exact = [feat.detach().double().requires_grad_() for feat in maps]
    actual = local_correlation(*maps, radius, dilation=dilation, backend='triton')
    expected = loops(*exact, radius, dilation)
    close(actual, expected, DTYPES[dtype])
    grad = torch.randn_like(actual)
    pairs = zip(gradients(actual, maps, grad), gradients(expected, exact, grad.double()), strict=True)
    for found, wanted in pairs:
        assert found.dtype == dtype
        close(found, wanted, 2 * DTYPES[dtype])


@pytest.mark.parametrize('value', [float('inf'), float('nan')])
@pytest.mark.parametrize('which', [0, 1])
@pytest.mark.parametrize('dilation', [1, 2])
def test_correlation_keeps_what_is_not_finite_in_its_place(dilation, which, value):
    maps = [torch.randn(1, 3, 6, 7) for _ in range(2)]
    maps[which][0, 1, 1, 2] = value
    maps = [feat.requires_grad_() for feat in maps]
    actual, expected = local_correlation(*maps, 2, dilation=dilation, backend='triton'), loops(*maps, 2, dilation)
    torch.testing.assert_close(actual, expected, equal_nan=True)
    grad = torch.rand_like(expected) + 0.5
    for found, wanted in zip(gradients(actual, maps, grad), gradients(expected, maps, grad), strict=True):
        torch.testing.assert_close(found, wanted, equal_nan=True)


@pytest.mark.parametrize('which', [0, 1])
def test_gradients_of_what_is_not_finite_in_half_precision(which):
    maps = [torch.randn(1, 3, 6, 7) for _ in range(2)]
    maps[which][0, 1, 1, 2] = float('inf')
    for dtype in (torch.float16, torch.bfloat16):
        halves = [feat.to(dtype).requires_grad_() for feat in maps]
        exact = [feat.detach().float().requires_grad_() for feat in halves]
        actual, expected = local_correlation(*halves, 2, backend='triton'), loops(*exact, 2, 1)
        grad = torch.rand(expected.shape).to(dtype)
        pairs = zip(gradients(actual, halves, grad), gradients(expected, exact, grad.float()), strict=True)
        for found, wanted in pairs:
            tolerance = 2 * DTYPES[dtype]
            torch.testing.assert_close(found.float(), wanted, rtol=tolerance, atol=tolerance, equal_nan=True)


def test_correlation_takes_one_launch_forward_and_two_backward(monkeypatch):
    class Kernel:
        """Counted, and not run: the interpreter would copy."""

        launches = 0

        def __getitem__(self, grid):
            Kernel.launches += 1
            return lambda *arguments, **constants: None

    for name in ('_forward_kernel', '_gradient_kernel'):
        monkeypatch.setattr(_correlation_triton, name, Kernel())
    feat, grad, settings = torch.zeros(2, 3, 4, 5), torch.zeros(2, 4, 5, 3, 3), (1, 1, 'triton')
    forward, backward = op_module._local_correlation_op._init_fn, op_module._local_correlation_backward_op._init_fn
    assert count_launches(lambda: forward(feat, feat, *settings)) == 0
    assert Kernel.launches == 1
    assert count_launches(lambda: backward(grad, feat, feat, *settings)) == 0
    assert Kernel.launches == 3


@pytest.mark.parametrize('shape', [(0, 3, 4, 4), (2, 3, 0, 4)])
def test_correlation_of_nothing(shape):
    maps = [torch.randn(shape, requires_grad=True) for _ in range(2)]
    out = local_correlation(*maps, 2, backend='triton')
    assert out.shape == (shape[0], 5, 5, *shape[2:])
    out.sum().backward()
    assert maps[0].grad.shape == shape


def test_double_precision_is_refused():
    feat = torch.randn(1, 2, 3, 3, dtype=torch.float64)
    with pytest.raises(TypeError, match=r'takes float32, float16 or bfloat16, not torch\.float64'):
        local_correlation(feat, feat, 1, backend='triton')
