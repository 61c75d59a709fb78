import pytest
import torch
from torch.autograd import gradcheck

from mmvidext.ops import pool_samples
from tests.oracles.dynamic_filter import naive_pool_samples


@pytest.mark.parametrize(('num_samples', 'sample_stride'), [(1, 1), (3, 1), (3, 2), (5, 3)])
def test_equals_the_loop_over_positions(num_samples, sample_stride):
    feature = torch.randn(2, 3, 5, 7)
    attention = torch.randn(2, num_samples**2, 5, 7)
    out = pool_samples(feature, attention, num_samples=num_samples, sample_stride=sample_stride)
    expected = naive_pool_samples(feature, attention, num_samples=num_samples, sample_stride=sample_stride)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=0)


def test_one_sample_of_weight_one_is_the_identity():
    feature = torch.randn(1, 4, 6, 5)
    assert torch.equal(pool_samples(feature, torch.ones(1, 1, 6, 5), num_samples=1, sample_stride=3), feature)


def test_gradients():
    feature = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    attention = torch.randn(1, 9, 4, 5, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda f, a: pool_samples(f, a, num_samples=3, sample_stride=2), (feature, attention))


def test_bfloat16_is_summed_in_float32():
    feature = torch.rand(1, 4, 8, 8, dtype=torch.bfloat16)
    attention = torch.full((1, 25, 8, 8), 1 / 25)
    out = pool_samples(feature, attention, num_samples=5, sample_stride=1)
    assert out.dtype == torch.float32
    assert torch.equal(out, pool_samples(feature.float(), attention, num_samples=5, sample_stride=1))


@pytest.mark.parametrize(
    ('feature', 'attention', 'num_samples', 'sample_stride', 'message'),
    [
        ((1, 2, 4, 4), (1, 4, 4, 4), 2, 1, 'num_samples must be an odd number, 1 or more, .* 2'),
        ((1, 2, 4, 4), (1, 9, 4, 4), 3, 0, 'sample_stride must be a whole number, at least 1, but is 0'),
        ((2, 4, 4), (1, 9, 4, 4), 3, 1, r'feature must be \(N, C, H, W\)'),
        ((1, 2, 4, 4), (1, 9, 4, 5), 3, 1, r'attention must be \(1, 9, 4, 4\).* its shape is \(1, 9, 4, 5\)'),
    ],
)
def test_bad_input(feature, attention, num_samples, sample_stride, message):
    with pytest.raises(ValueError, match=message):
        pool_samples(torch.zeros(feature), torch.zeros(attention), num_samples=num_samples, sample_stride=sample_stride)
