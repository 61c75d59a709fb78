"""The smaller kernels in Triton's interpreter, against definitions in loops; see test_triton.py."""

import pytest
import torch
from torch.autograd import grad as gradients

from mmvidext.layers import DynamicFilter, TemporalShift
from mmvidext.ops import dynamic_filter, kernel_soft_argmax, pool_samples, temporal_shift
from tests.oracles.dynamic_filter import naive_pool_samples
from tests.oracles.local_correlation import kernel_soft_argmax as naive_kernel_soft_argmax
from tests.oracles.temporal_shift import temporal_shift as naive_temporal_shift

DTYPES = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}
LAYOUTS = [torch.contiguous_format, torch.channels_last]
# every dtype in every layout
KINDS = [(dtype, layout) for dtype in DTYPES for layout in LAYOUTS]


def close(actual, expected, tolerance):
    torch.testing.assert_close(actual.double(), expected.double(), rtol=tolerance, atol=tolerance)


def matching_scores(shape, dtype, layout):
    """Random scores: all cells of one displacement together, or all displacements of one cell."""
    scores = torch.randn(shape).to(dtype)
    if layout == torch.channels_last:
        scores = scores.permute(0, 3, 4, 1, 2).contiguous().permute(0, 3, 4, 1, 2)
    return scores.requires_grad_()


@pytest.mark.parametrize(('dtype', 'layout'), KINDS)
@pytest.mark.parametrize(('shape', 'sigma'), [((2, 5, 5, 1, 3), 1.0), ((1, 3, 3, 2, 2), None), ((1, 1, 1, 1, 2), 5.0)])
def test_soft_argmax_equals_the_loops(shape, sigma, dtype, layout):
    scores = matching_scores(shape, dtype, layout)
    displacement, confidence = kernel_soft_argmax(scores, sigma=sigma, temperature=0.5, backend='triton')
    assert displacement.dtype == confidence.dtype == dtype
    for n, _, y, x in torch.ones(shape[0], 1, *shape[3:]).nonzero():
        expected, best = naive_kernel_soft_argmax(scores[n, :, :, y, x].tolist(), sigma, 0.5)
        close(displacement[n, :, y, x], torch.tensor(expected), DTYPES[dtype])
        assert confidence[n, 0, y, x].item() == best
    exact = scores.detach().double().requires_grad_()
    wanted = torch.cat(kernel_soft_argmax(exact, sigma=sigma, temperature=0.5), 1)
    found = torch.cat([displacement, confidence], 1)
    grad = torch.randn_like(found)
    close(gradients(found, scores, grad)[0], gradients(wanted, exact, grad.double())[0], 2 * DTYPES[dtype])


@pytest.mark.parametrize('values', [[1e38, 2e38, 3e38, 0, 1, 2, 3, 4, 5], [float('nan'), *range(8)], [-(2.0**100)] * 9])
def test_soft_argmax_of_extreme_scores(values):
    scores = torch.tensor(values, dtype=torch.float32).view(1, 3, 3, 1, 1)
    found, expected = kernel_soft_argmax(scores, backend='triton'), kernel_soft_argmax(scores, backend='torch')
    torch.testing.assert_close(found, expected, equal_nan=True)


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize(('dtype', 'layout'), KINDS)
def test_shift_equals_the_loops(dtype, layout, causal):
    x = torch.randn(6, 9, 3, 5).to(dtype, memory_format=layout).requires_grad_()
    y = temporal_shift(x, 3, 4, causal=causal, backend='triton')
    assert y.is_contiguous(memory_format=layout)
    assert torch.equal(y, naive_temporal_shift(x, 3, 4, causal))
    grad = torch.randn_like(y)
    plain = temporal_shift(x, 3, 4, causal=causal, backend='torch')
    assert torch.equal(gradients(y, x, grad)[0], gradients(plain, x, grad)[0])


@pytest.mark.parametrize(('dtype', 'layout'), KINDS)
def test_pooling_equals_the_loops(dtype, layout):
    feature = torch.randn(2, 17, 5, 3).to(dtype, memory_format=layout).requires_grad_()
    attention = torch.randn(2, 9, 5, 3).to(dtype).requires_grad_()
    exact = [tensor.detach().double().requires_grad_() for tensor in (feature, attention)]
    field = dict(num_samples=3, sample_stride=2)
    pooled, expected = pool_samples(feature, attention, **field, backend='triton'), naive_pool_samples(*exact, **field)
    assert pooled.dtype == torch.float32
    close(pooled, expected, 1e-5)
    grad = torch.randn_like(pooled)
    found, wanted = gradients(pooled, (feature, attention), grad), gradients(expected, exact, grad.double())
    for ours, theirs, tensor in zip(found, wanted, (feature, attention), strict=True):
        assert ours.dtype == tensor.dtype
        close(ours, theirs, DTYPES[dtype])


def test_nothing_in_nothing_out():
    for shape in ((0, 3, 3, 2, 2), (1, 3, 3, 0, 2)):
        scores = torch.randn(shape, requires_grad=True)
        sum(part.sum() for part in kernel_soft_argmax(scores, backend='triton')).backward()
        assert scores.grad.shape == shape
    for shape in ((0, 8, 2, 2), (4, 8, 0, 2)):
        x = torch.randn(shape, requires_grad=True)
        temporal_shift(x, 2, 4, backend='triton').sum().backward()
        attention = torch.randn(shape[0], 9, *shape[2:])
        pool_samples(x, attention, num_samples=3, sample_stride=1, backend='triton').sum().backward()
        assert x.grad.shape == shape


def test_layers_take_the_kernels():
    x = torch.randn(4, 8, 3, 5)
    shifts = [TemporalShift(torch.nn.Identity(), 2, shift_div=4, backend=backend) for backend in ('torch', 'triton')]
    assert torch.equal(*[shift(x) for shift in shifts])
    filters = [DynamicFilter(8, 4, feature_channels=4, kernel_channels=4, backend=name) for name in ('torch', 'triton')]
    filters[1].load_state_dict(filters[0].state_dict())
    torch.testing.assert_close(*[layer(x) for layer in filters], rtol=1e-5, atol=1e-5)


def test_what_does_not_fit_is_refused():
    scores = torch.zeros(1, 65, 65, 1, 1)
    with pytest.raises(ValueError, match='takes at most 63 displacements along each axis, but got 65'):
        kernel_soft_argmax(scores, backend='triton')
    with pytest.raises(ValueError, match=r"backend must be one of .*, but is 'cuda'"):
        temporal_shift(torch.zeros(2, 8, 1, 1), 2, backend='cuda')
    arguments = [torch.zeros(1, channels, 2, 2, dtype=torch.float64) for channels in (3, 9, 3, 9, 9)]
    with pytest.raises(TypeError, match=r'not torch\.float64'):
        dynamic_filter(*arguments, kernel_size=3, num_samples=3, sample_stride=1, backend='triton')
