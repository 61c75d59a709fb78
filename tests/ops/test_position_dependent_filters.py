"""Deformable convolution, CARAFE and masked convolution against loops."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mmvidext.ops import carafe, deform_conv2d, masked_conv2d
from tests.oracles import position_dependent_filters as oracle

HALF = [torch.float16, torch.bfloat16]
GEOMETRIES = [
    dict(),
    dict(padding=(1, 1)),
    dict(stride=(2, 1), padding=(0, 2), dilation=(1, 2)),
    dict(stride=(1, 2), padding=(2, 1), dilation=(2, 1), groups=2),
]


def make_inputs(geometry, *, offset_groups=2, kernel_size=(3, 2), size=(6, 5), num=2, spread=2.0):
    geometry = {'stride': (1, 1), 'padding': (0, 0), 'dilation': (1, 1), 'groups': 1, **geometry}
    out = [
        (size[axis] + 2 * geometry['padding'][axis] - geometry['dilation'][axis] * (kernel_size[axis] - 1) - 1)
        // geometry['stride'][axis]
        + 1
        for axis in (0, 1)
    ]
    taps = offset_groups * kernel_size[0] * kernel_size[1]
    feature = torch.randn(num, 4, *size, dtype=torch.float64)
    offset = torch.randn(num, 2 * taps, *out, dtype=torch.float64) * spread
    weight = torch.randn(6, 4 // geometry['groups'], *kernel_size, dtype=torch.float64)
    return feature, offset, weight, torch.rand(num, taps, *out).double(), torch.randn(6).double()


@pytest.mark.parametrize('backend', ['torch', 'auto'])
@pytest.mark.parametrize('modulated', [False, True])
@pytest.mark.parametrize('geometry', GEOMETRIES)
def test_deform_conv2d_equals_the_loop(geometry, modulated, backend):
    feature, offset, weight, mask, bias = make_inputs(geometry, num=1)
    extra = dict(mask=mask, bias=bias) if modulated else {}
    expected = oracle.deform_conv2d(feature, offset, weight, **extra, **geometry)
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        given = [one.to(dtype) for one in (feature, offset, weight)]
        more = {name: one.to(dtype) for name, one in extra.items()}
        out = deform_conv2d(*given, **more, **geometry, backend=backend)
        torch.testing.assert_close(out, expected.to(dtype), atol=tolerance * 10, rtol=tolerance)


@pytest.mark.parametrize('backend', ['torch', 'auto'])
@pytest.mark.parametrize('geometry', GEOMETRIES[1:3])
def test_without_offsets_it_is_a_convolution(geometry, backend):
    feature, offset, weight, *_ = make_inputs(geometry)
    expected = F.conv2d(feature, weight, **geometry)
    torch.testing.assert_close(deform_conv2d(feature, offset * 0, weight, **geometry, backend=backend), expected)


@pytest.mark.parametrize('backend', ['torch', 'auto'])
def test_deform_conv2d_gradient(backend):
    geometry = dict(stride=(1, 2), padding=(1, 0), groups=2)
    inputs = make_inputs(geometry, size=(3, 4), num=1, spread=0)
    away_from_whole_pixels = torch.randint(-2, 3, inputs[1].shape) + torch.rand_like(inputs[1]) * 0.6 + 0.2
    inputs = [one.requires_grad_() for one in (inputs[0], away_from_whole_pixels, *inputs[2:])]

    def call(feature, offset, weight, mask, bias):
        return deform_conv2d(feature, offset, weight, mask=mask, bias=bias, **geometry, backend=backend)

    assert gradcheck(call, inputs, nondet_tol=1e-12)


@pytest.mark.parametrize('backend', ['torch', 'auto'])
def test_derivative_at_whole_pixels_is_the_right_one(backend):
    """Every training starts there: the offsets of a new layer are zero."""
    feature = torch.randn(1, 1, 1, 11)  # not a power of two
    offset = torch.zeros(1, 2, 1, 11, requires_grad=True)
    deform_conv2d(feature, offset, torch.ones(1, 1, 1, 1), backend=backend).sum().backward()
    expected = F.pad(feature, (0, 1))[..., 1:] - feature
    torch.testing.assert_close(offset.grad[:, 1:], expected)


@pytest.mark.parametrize('dtype', HALF)
def test_positions_of_half_precision_are_float32(dtype):
    feature, offset, weight, mask, _ = make_inputs({}, size=(3, 300), num=1)
    given = [one.to(dtype) for one in (feature, offset, weight, mask)]
    out = deform_conv2d(*given[:3], mask=given[3])
    expected = deform_conv2d(*(one.float() for one in given[:3]), mask=given[3].float())
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), expected, atol=0.1, rtol=0.05)


@pytest.mark.parametrize('backend', ['torch', 'auto'])
def test_deform_conv2d_of_any_layout(backend):
    """With two groups of offsets: one group alone is a view whatever the layout."""
    feature, offset, weight, mask, _ = make_inputs({})
    expected = deform_conv2d(feature, offset, weight, mask=mask, backend=backend)
    last = [one.to(memory_format=torch.channels_last) for one in (feature, offset, weight, mask)]
    cropped = [F.pad(one, (1, 2, 2, 1))[:, :, 2:-1, 1:-2] for one in (feature, offset, weight, mask)]
    for given in (last, cropped):
        assert not given[1].is_contiguous()
        torch.testing.assert_close(deform_conv2d(*given[:3], mask=given[3], backend=backend), expected)


def test_far_offsets_and_empty_batches():
    feature, offset, weight, *_ = make_inputs({})
    for far in (100.0, -1e30):
        assert (deform_conv2d(feature, torch.full_like(offset, far), weight, backend='torch') == 0).all()
    assert deform_conv2d(feature[:0], offset[:0], weight, backend='torch').shape == (0, 6, 4, 4)


def test_deform_conv2d_errors():
    feature, offset, weight, mask, _ = make_inputs({})
    with pytest.raises(ValueError, match=r'offset must be \(2, 24, 4, 4\), but its shape is \(2, 24, 4, 3\)'):
        deform_conv2d(feature, offset[..., 1:], weight)
    with pytest.raises(ValueError, match=r'mask must be \(2, 12, 4, 4\), but its shape is \(2, 11, 4, 4\)'):
        deform_conv2d(feature, offset, weight, mask=mask[:, 1:])
    with pytest.raises(ValueError, match=r'weight must be .* for C = 4 and groups = 2'):
        deform_conv2d(feature, offset, weight, groups=2)
    with pytest.raises(ValueError, match='offset is for 3 groups of channels, which do not divide 4 channels'):
        deform_conv2d(feature, torch.cat((offset, offset[:, :12]), dim=1), weight)


@pytest.mark.parametrize(('kernel_size', 'groups', 'scale_factor'), [(3, 1, 2), (5, 2, 1), (1, 4, 3)])
def test_carafe_equals_the_loop(kernel_size, groups, scale_factor):
    settings = dict(kernel_size=kernel_size, groups=groups, scale_factor=scale_factor)
    feature = torch.randn(2, 4, 3, 4, dtype=torch.float64)
    kernels = torch.rand(2, groups * kernel_size**2, 3 * scale_factor, 4 * scale_factor, dtype=torch.float64)
    expected = oracle.carafe(feature, kernels, **settings)
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        out = carafe(feature.to(dtype), kernels.to(dtype), **settings)
        torch.testing.assert_close(out, expected.to(dtype), atol=tolerance, rtol=tolerance)


def test_carafe_gradient_half_precision_and_empty_batch():
    settings = dict(kernel_size=3, groups=2, scale_factor=2)
    feature = torch.randn(1, 4, 2, 3, dtype=torch.float64, requires_grad=True)
    kernels = torch.rand(1, 18, 4, 6, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda x, k: carafe(x, k, **settings), (feature, kernels))
    for dtype in HALF:
        x, k = feature.to(dtype), kernels.to(dtype)
        assert torch.equal(carafe(x, k, **settings), carafe(x.float(), k.float(), **settings).to(dtype))
    assert carafe(feature[:0], kernels[:0], **settings).shape == (0, 4, 4, 6)


def test_carafe_errors():
    feature = torch.zeros(1, 4, 2, 3)
    with pytest.raises(ValueError, match=r'kernels must be \(1, 9, 4, 6\), but the shape is \(1, 9, 2, 3\)'):
        carafe(feature, torch.zeros(1, 9, 2, 3), kernel_size=3, scale_factor=2)
    for size in (2, 3.0):
        with pytest.raises(ValueError, match=f'kernel_size must be an odd number, 1 or more.*: {size}'):
            carafe(feature, torch.zeros(1, 9, 2, 3), kernel_size=size)
    with pytest.raises(ValueError, match='groups = 3 does not divide the 4 channels'):
        carafe(feature, torch.zeros(1, 27, 2, 3), kernel_size=3, groups=3)


@pytest.mark.parametrize('padding', [(0, 0), (1, 2)])
def test_masked_conv2d_equals_the_convolution_where_the_mask_is_set(padding):
    feature = torch.randn(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 3, 3, 2, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(4, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(2, 3 + 2 * padding[0], 5 + 2 * padding[1]) - 0.5
    expected = oracle.masked_conv2d(feature.detach(), mask, weight.detach(), bias.detach(), padding)
    torch.testing.assert_close(
        masked_conv2d(feature, mask, weight, bias, padding=padding), expected, atol=1e-10, rtol=1e-10
    )
    single = [one.float() for one in (feature, mask, weight, bias)]
    out = masked_conv2d(*single, padding=padding)
    torch.testing.assert_close(out, expected.float(), atol=1e-5, rtol=1e-5)
    assert gradcheck(lambda *given: masked_conv2d(given[0], mask, *given[1:], padding=padding), (feature, weight, bias))


@pytest.mark.parametrize('weight_dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_autocast_changes_neither_type_nor_values(dtype, weight_dtype):
    feature, offset, weight, mask, bias = (one.to(dtype) for one in make_inputs({}))

    def call(weight, bias):
        deformed = deform_conv2d(feature, offset, weight, mask=mask, bias=bias, backend='torch')
        return deformed, masked_conv2d(feature, mask[:, 0], weight, bias)

    expected = call(weight.to(weight_dtype).to(dtype), bias.to(weight_dtype).to(dtype))
    with torch.autocast('cpu', torch.bfloat16):
        found = call(weight.to(weight_dtype), bias.to(weight_dtype))
    assert [one.dtype for one in found] == [dtype, dtype]
    assert all(map(torch.equal, found, expected))


def test_masked_conv2d_of_an_empty_mask_half_precision_and_errors():
    feature, weight = torch.randn(1, 3, 5, 6), torch.randn(4, 3, 3, 3)
    assert (masked_conv2d(feature, torch.zeros(1, 3, 4), weight) == 0).all()
    for dtype in HALF:
        out = masked_conv2d(feature.to(dtype), torch.ones(1, 3, 4), weight.to(dtype))
        assert out.dtype == dtype
        torch.testing.assert_close(out.float(), F.conv2d(feature, weight), atol=0.2, rtol=0.05)
    with pytest.raises(ValueError, match=r'mask must be \(1, 3, 4\), but its shape is \(1, 5, 6\)'):
        masked_conv2d(feature, torch.ones(1, 5, 6), weight)
    with pytest.raises(ValueError, match='weight is for 2 channels, but feature has 3'):
        masked_conv2d(feature, torch.ones(1, 3, 4), weight[:, :2])
