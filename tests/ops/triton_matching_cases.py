"""Correlation and matching in Triton's interpreter: ``TRITON_INTERPRET=1 pytest THIS_FILE``; see test_triton.py."""

import pytest
import torch
from torch.autograd import grad as gradients

from mmvidext.layers import MotionSqueeze
from mmvidext.ops import kernel_soft_argmax, local_correlation
from mmvidext.ops.frame_matching import match_frames
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
        bad = ~wanted.isfinite()
        assert torch.equal(~found.isfinite(), bad)
        torch.testing.assert_close(found[~bad], wanted[~bad])


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


def unfused(frames, segments, radius, sigma):
    unit = frames / (frames.square().sum(1, keepdim=True) + 1e-6).sqrt()
    clips = unit.unflatten(0, (-1, segments))
    scores = local_correlation(clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1), radius)
    return torch.cat(kernel_soft_argmax(torch.relu(scores), sigma=sigma), dim=1)


def leaf(shape, layout=torch.contiguous_format):
    return torch.randn(shape).to(memory_format=layout).requires_grad_()


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize(
    ('shape', 'segments', 'radius', 'sigma'),
    [((3, 8, 3, 5), 3, 2, 5.0), ((2, 19, 3, 17), 2, 3, None), ((2, 3, 1, 1), 2, 1, 5.0), ((2, 64, 3, 10), 2, 7, 5.0)],
)
def test_fused_matching_equals_the_unfused(shape, segments, radius, sigma, layout):
    frames = leaf(shape, layout)
    expected = unfused(frames, segments, radius, sigma)
    actual = match_frames(frames, segments, radius, sigma=sigma)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
    grad = torch.randn_like(expected)
    wanted, found = gradients(expected, frames, grad)[0], gradients(actual, frames, grad)[0]
    exact = frames.detach().double().requires_grad_()
    truth = gradients(unfused(exact, segments, radius, sigma), exact, grad.double())[0]
    # the temperature magnifies roundings a hundredfold, in the unfused one too
    rounding = (wanted - truth).abs().max()
    assert (found - truth).abs().max() <= 1e-5 * truth.abs().max() + 3 * rounding


@pytest.mark.parametrize('value', [float('inf'), float('nan')])
@pytest.mark.parametrize('frame', [0, 1, 2])
def test_fused_matching_keeps_what_is_not_finite_in_reach(frame, value):
    frames = torch.randn(3, 8, 4, 16)
    frames[frame, 1, 1, 3] = value
    frames.requires_grad_()
    actual, expected = match_frames(frames, 3, 2), unfused(frames, 3, 2, 5.0)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5, equal_nan=True)
    grad = torch.rand_like(expected)
    found, wanted = gradients(actual, frames, grad)[0], gradients(expected, frames, grad)[0]
    assert found[wanted.isnan()].isnan().all()
    far = slice(3 + 5, None)  # a cell that looks at one that looks at it
    torch.testing.assert_close(found[..., far], wanted[..., far], rtol=1e-3, atol=1e-3)


def saved_bytes(function):
    storages = {}

    def note(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        out = function()
    del out
    return sum(storages.values())


def test_fused_matching_keeps_a_tenth():
    frames = leaf((8, 64, 1, 3))
    fused = saved_bytes(lambda: match_frames(frames, 8, 7))
    assert fused <= 0.1 * saved_bytes(lambda: unfused(frames, 8, 7, 5.0)), fused


@pytest.mark.parametrize('segments', [1, 2])
def test_layer_gives_the_same_with_either_backend(segments):
    plain = MotionSqueeze(6, segments, reduced_channels=4, max_displacement=2).eval()
    fused = MotionSqueeze(6, segments, reduced_channels=4, max_displacement=2, backend='triton').eval()
    fused.load_state_dict(plain.state_dict())
    x = torch.randn(2, 6, 4, 5)
    torch.testing.assert_close(fused(x), plain(x), rtol=1e-5, atol=1e-5)
