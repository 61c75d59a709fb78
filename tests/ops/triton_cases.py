"""The kernels in Triton's interpreter: ``TRITON_INTERPRET=1 pytest tests/ops/triton_cases.py``; see test_triton.py."""

import pytest
import torch
from torch.autograd import grad as gradients

from mmvidext.ops import local_correlation
from tests.oracles.local_correlation import local_correlation as loops

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


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize(('shape', 'radius', 'dilation'), CORRELATIONS)
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
