import pytest
import torch
from torch.autograd import gradcheck

from mmvidext.ops import local_correlation
from mmvidext.ops._correlation_shifts import correlate_by_shifts, correlate_by_shifts_backward
from mmvidext.ops._correlation_tiles import correlate, correlate_backward
from mmvidext.ops.local_correlation import _correlate_by_gathering
from tests.launches import count_launches
from tests.oracles.local_correlation import local_correlation as naive_local_correlation
from tests.oracles.local_correlation import patch_correlation

# (N, C, H, W), max_displacement, dilation: even and odd heights, several columns of tiles, one cell, a map smaller
# than the reach
CASES = [
    ((2, 3, 6, 7), 2, 1),
    ((1, 4, 5, 5), 1, 1),
    ((1, 2, 3, 33), 3, 1),
    ((2, 2, 4, 4), 5, 1),
    ((1, 3, 1, 1), 2, 1),
    ((1, 2, 3, 4), 0, 1),
    ((1, 3, 7, 6), 2, 2),
    ((1, 2, 5, 8), 1, 3),
]


@pytest.mark.parametrize(('shape', 'displacement', 'dilation'), CASES)
def test_equals_naive_loop(shape, displacement, dilation):
    feat1, feat2 = torch.randn(shape), torch.randn(shape)
    expected = naive_local_correlation(feat1, feat2, displacement, dilation)
    out = local_correlation(feat1, feat2, displacement, dilation=dilation)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(('shape', 'displacement', 'dilation'), CASES)
def test_gradients_equal_those_of_the_shifts(shape, displacement, dilation):
    feats = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    out = local_correlation(*feats, displacement, dilation=dilation)
    reference = _correlate_by_gathering(*feats, displacement, dilation)
    grad = torch.randn_like(reference)
    for ours, theirs in zip(
        torch.autograd.grad(out, feats, grad), torch.autograd.grad(reference, feats, grad), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(('shape', 'displacement', 'dilation'), CASES)
def test_all_samples_in_one_product_equal_one_by_one(shape, displacement, dilation):
    shape = (3, *shape[1:])
    feat1, feat2 = torch.randn(shape).double(), torch.randn(shape).double()
    expected = correlate(feat1, feat2, displacement, dilation, group=1)
    grad = torch.randn_like(expected)
    torch.testing.assert_close(correlate(feat1, feat2, displacement, dilation, group=3), expected)
    torch.testing.assert_close(
        correlate_backward(grad, feat1, feat2, displacement, dilation, group=3),
        correlate_backward(grad, feat1, feat2, displacement, dilation, group=1),
    )


def test_launches_do_not_grow_with_the_batch():
    feats = [torch.randn(56, 4, 28, 28) for _ in range(2)]
    grad = torch.randn(56, 28, 28, 15, 15)
    assert count_launches(lambda: correlate(*feats, 7, 1, group=56)) <= 12
    assert count_launches(lambda: correlate_backward(grad, *feats, 7, 1, group=56)) <= 40


@pytest.mark.parametrize(('shape', 'displacement', 'dilation'), CASES)
def test_one_displacement_at_a_time_equals_the_tiles(shape, displacement, dilation):
    feat1, feat2 = torch.randn(shape).double(), torch.randn(shape).double()
    expected = correlate(feat1, feat2, displacement, dilation, group=1)
    torch.testing.assert_close(correlate_by_shifts(feat1, feat2, displacement, dilation), expected)
    grad = torch.randn_like(expected)
    torch.testing.assert_close(
        correlate_by_shifts_backward(grad, feat1, feat2, displacement, dilation),
        correlate_backward(grad, feat1, feat2, displacement, dilation, group=1),
    )


@pytest.mark.parametrize('value', [float('inf'), float('nan')])
@pytest.mark.parametrize('which', [0, 1])
def test_a_value_that_is_not_finite_stays_where_the_definition_puts_it(which, value):
    feats = [torch.randn(2, 3, 8, 9) for _ in range(2)]
    feats[which][0, 1, 4, 5] = value
    out = local_correlation(*feats, 2)
    torch.testing.assert_close(out, naive_local_correlation(*feats, 2), equal_nan=True, atol=1e-5, rtol=0)
    assert 0 < (~out.isfinite()).sum() <= 25
    clean = [feat.nan_to_num(0, 0).requires_grad_() for feat in feats]
    dirty = [feat.requires_grad_() for feat in feats]
    grad = torch.randn_like(out)
    expected = torch.autograd.grad(local_correlation(*clean, 2), clean, grad)
    grads = torch.autograd.grad(local_correlation(*dirty, 2), dirty, grad)
    bad = ~grads[1 - which].isfinite()
    assert set(map(tuple, bad.nonzero().tolist())) == {(0, 1, y, x) for y in range(2, 7) for x in range(3, 8)}
    torch.testing.assert_close(grads[1 - which][~bad], expected[1 - which][~bad])
    torch.testing.assert_close(grads[which], expected[which])


def test_large_finite_values_are_no_infinities():
    feats = torch.full((1, 4, 6, 6), 1e37), torch.full((1, 4, 6, 6), 1e-3)
    torch.testing.assert_close(local_correlation(*feats, 1), naive_local_correlation(*feats, 1))


# kernel_size, stride, padding
PATCHES = [(3, 1, 1), (1, 2, 0), (2, 1, 0), (3, 2, 2), (1, 1, 1), (5, 3, 4)]


@pytest.mark.parametrize('patch', PATCHES)
@pytest.mark.parametrize('dilation', [1, 2])
def test_patches_equal_the_samplers_definition(patch, dilation):
    feats = [torch.randn(2, 3, 6, 7, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    options = dict(zip(('kernel_size', 'stride', 'padding'), patch, strict=True), dilation=dilation)
    out, expected = local_correlation(*feats, 2, **options), patch_correlation(*feats, 2, **options)
    torch.testing.assert_close(out, expected)
    grad = torch.randn_like(expected)
    torch.testing.assert_close(torch.autograd.grad(out, feats, grad), torch.autograd.grad(expected, feats, grad))


def test_patches_are_summed_in_float32():
    feats = [torch.randn(1, 64, 6, 6).half() for _ in range(2)]
    out = local_correlation(*feats, 1, kernel_size=5, padding=2)
    exact = local_correlation(*(feat.double() for feat in feats), 1, kernel_size=5, padding=2)
    assert out.dtype == torch.float16
    assert (out.double() - exact).abs().max() <= exact.abs().max() * 2**-11


def test_the_users_matmul_precision_is_not_used_and_kept():
    feats = [torch.randn(2, 64, 16, 16) for _ in range(2)]
    expected = local_correlation(*feats, 3)
    torch.set_float32_matmul_precision('medium')
    try:
        assert torch.equal(local_correlation(*feats, 3), expected)
        assert torch.get_float32_matmul_precision() == 'medium'
    finally:
        torch.set_float32_matmul_precision('highest')


def test_gradcheck():
    feats = [torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert gradcheck(lambda a, b: local_correlation(a, b, 1), feats)
    assert gradcheck(lambda a, b: local_correlation(a, b, 1, dilation=2), feats)


def test_gradient_of_one_input_only():
    feat1, feat2 = torch.randn(1, 2, 4, 4, requires_grad=True), torch.randn(1, 2, 4, 4)
    local_correlation(feat1, feat2, 1).sum().backward()
    assert feat1.grad is not None
    assert feat2.grad is None


def test_equals_the_sampler_where_it_is_installed():
    sampler = pytest.importorskip('spatial_correlation_sampler')
    feat1, feat2 = torch.randn(2, 8, 9, 14), torch.randn(2, 8, 9, 14)
    for displacement, dilation in ((3, 1), (2, 2)):
        expected = sampler.spatial_correlation_sample(
            feat1, feat2, kernel_size=1, patch_size=2 * displacement + 1, dilation_patch=dilation
        )
        out = local_correlation(feat1, feat2, displacement, dilation=dilation)
        torch.testing.assert_close(out, expected, atol=1e-5, rtol=0)
        through = local_correlation(
            feat1, feat2, displacement, dilation=dilation, backend='spatial_correlation_sampler'
        )
        assert torch.equal(through, expected)


def test_layouts_agree():
    feat1, feat2 = torch.randn(2, 8, 6, 7), torch.randn(2, 8, 6, 7)
    expected = local_correlation(feat1, feat2, 2)
    last = torch.channels_last
    assert torch.equal(local_correlation(feat1.to(memory_format=last), feat2.to(memory_format=last), 2), expected)
    strided = torch.stack([feat1, feat2], dim=-1)
    assert torch.equal(local_correlation(strided[..., 0], strided[..., 1], 2), expected)


def test_flattened_scores_are_channels_last_without_a_copy():
    scores = local_correlation(torch.randn(2, 4, 6, 7), torch.randn(2, 4, 6, 7), 2)
    flat = scores.flatten(1, 2)
    assert flat.data_ptr() == scores.data_ptr()
    assert flat.is_contiguous(memory_format=torch.channels_last)


def test_half_precision_is_summed_in_float32():
    feat1, feat2 = (torch.randn(1, 512, 4, 4).bfloat16() for _ in range(2))
    out = local_correlation(feat1, feat2, 1)
    assert out.dtype == torch.bfloat16
    exact = local_correlation(feat1.double(), feat2.double(), 1)
    torch.testing.assert_close(out.double(), exact, rtol=2**-8, atol=1e-3)
    with torch.autocast('cpu', torch.bfloat16):
        under_autocast = local_correlation(feat1.float(), feat2.float(), 1)
    torch.testing.assert_close(under_autocast.double(), exact, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(('displacement', 'dilation'), [(0, 10**6), (1, 4096), (1, 6), (2, 6)])
def test_displacements_that_lead_out_of_the_map(displacement, dilation):
    """There are fewer of them than subgrids."""
    feats = [torch.rand(2, 3, 7, 8, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    out, expected = (f(*feats, displacement, dilation=dilation) for f in (local_correlation, naive_local_correlation))
    torch.testing.assert_close(out, expected)
    grad = torch.rand_like(out)
    for found, right in zip(*(torch.autograd.grad(y, feats, grad) for y in (out, expected)), strict=True):
        torch.testing.assert_close(found, right)


@pytest.mark.parametrize('patch', [{}, dict(kernel_size=3, padding=1), dict(stride=2)])
def test_no_channels_give_zero(patch):
    feats = [torch.rand(2, 0, 4, 5, requires_grad=True) for _ in range(2)]
    out = local_correlation(*feats, 2, **patch)
    assert out.shape == local_correlation(*(torch.rand(2, 1, 4, 5) for _ in range(2)), 2, **patch).shape
    assert not out.any()
    out.sum().backward()
    assert feats[0].grad.shape == (2, 0, 4, 5)


def test_patches_of_an_empty_map():
    feats = torch.rand(2, 1, 3, 0, 5)
    assert local_correlation(*feats, 1, stride=2).shape == (1, 3, 3, 0, 3)
    assert local_correlation(*feats, 1, padding=1).shape == (1, 3, 3, 2, 7)
    with pytest.raises(ValueError, match='kernel_size=3 is larger than the map of 0x5 with padding=1'):
        local_correlation(*feats, 1, kernel_size=3, padding=1)


def test_empty():
    for shape in ((0, 3, 4, 4), (2, 3, 0, 4)):
        feats = [torch.zeros(shape, requires_grad=True) for _ in range(2)]
        out = local_correlation(*feats, 1)
        assert out.shape == (shape[0], 3, 3, *shape[2:])
        out.sum().backward()


@pytest.mark.parametrize('dilation', [1, 2])
def test_compiles_without_graph_break(dilation):
    feats = [torch.randn(2, 4, 6, 6, requires_grad=True) for _ in range(2)]

    def run(a, b):
        return local_correlation(a, b, 2, dilation=dilation)

    compiled = torch.compile(run, fullgraph=True, backend='aot_eager', dynamic=False)
    out = compiled(*feats)
    torch.testing.assert_close(out, run(*feats))
    assert out.stride() == run(*feats).stride()
    grads = torch.autograd.grad(out.square().sum(), feats)
    torch.testing.assert_close(grads, torch.autograd.grad(run(*feats).square().sum(), feats))


def test_operator_passes_torchs_own_checks():
    feats = [torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    torch.library.opcheck(torch.ops.mmvidext.local_correlation.default, (*feats, 1, 1, 'torch'))


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ((torch.zeros(2, 3, 4), torch.zeros(2, 3, 4), 1), ValueError, r'feat1 must be \(N, C, H, W\), 4 dimensions'),
        ((torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 5), 1), ValueError, r'same shape, but are \(1, 2, 3, 4\)'),
        ((torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4).double(), 1), TypeError, 'same floating-point dtype'),
        ((torch.zeros(1, 2, 3, 4).int(), torch.zeros(1, 2, 3, 4).int(), 1), TypeError, 'floating-point dtype'),
        (
            (torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), -1),
            ValueError,
            'max_displacement must be a whole number, at least 0, but is -1',
        ),
        (
            (torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), 10**9),
            ValueError,
            'max_displacement=1000000000 with dilation=1 looks further than 4096 cells: lower it',
        ),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        local_correlation(*arguments)


def test_backend_errors(monkeypatch):
    feats = torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match='dilation must be a whole number, at least 1'):
        local_correlation(*feats, 1, dilation=0)
    with pytest.raises(ValueError, match='stride must be a whole number, at least 1, but is 0'):
        local_correlation(*feats, 1, stride=0)
    with pytest.raises(ValueError, match='padding must be a whole number, at least 0, but is -1'):
        local_correlation(*feats, 1, padding=-1)
    with pytest.raises(ValueError, match='kernel_size=6 is larger than the map of 3x4 with padding=1'):
        local_correlation(*feats, 1, kernel_size=6, padding=1)
    with pytest.raises(ValueError, match=r"backend must be one of .*'torch'.* but is 'cuda'"):
        local_correlation(*feats, 1, backend='cuda')
    with pytest.raises(ValueError, match="backend 'mmcv' has CUDA kernels only, but the input is on cpu"):
        local_correlation(*feats, 1, backend='mmcv')
    monkeypatch.setitem(__import__('sys').modules, 'spatial_correlation_sampler', None)
    with pytest.raises(ImportError, match='pip install spatial-correlation-sampler'):
        local_correlation(*feats, 1, backend='spatial_correlation_sampler')
