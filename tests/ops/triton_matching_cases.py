"""Correlation and matching in Triton's interpreter: ``TRITON_INTERPRET=1 pytest THIS_FILE``; see test_triton.py."""

from importlib import import_module

import pytest
import torch
from torch.autograd import grad as gradients

from mmvidext.layers import MotionSqueeze
from mmvidext.ops import _correlation_triton, kernel_soft_argmax, local_correlation
from mmvidext.ops.frame_matching import match_frames
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


def unfused(frames, segments, radius, sigma):
    unit = frames / (frames.square().sum(1, keepdim=True) + 1e-6).sqrt()
    clips = unit.unflatten(0, (-1, segments))
    pairs = clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1)
    scores = local_correlation(*pairs, radius, backend='torch')
    return torch.cat(kernel_soft_argmax(torch.relu(scores), sigma=sigma, backend='torch'), dim=1)


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


@pytest.mark.parametrize('layout', LAYOUTS)
def test_fused_matching_of_zero_vectors_and_of_frames_with_gaps(layout):
    frames = torch.randn(4, 5, 4, 6).to(memory_format=layout)
    frames[0, :, 1, 2] = 0
    frames[1, :, 2] = 0
    frames[3] = 0
    frames = frames[:, 1:4].requires_grad_()
    actual, expected = match_frames(frames, 2, 2), unfused(frames, 2, 2, 5.0)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
    grad = torch.randn_like(expected)
    found, wanted = gradients(actual, frames, grad)[0], gradients(expected, frames, grad)[0]
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-5 * wanted.abs().max().item())


def test_fused_matching_keeps_a_gradient_that_is_not_finite_near_its_cell():
    frames, grad = leaf((2, 8, 4, 16)), torch.rand(1, 3, 4, 16)
    actual = match_frames(frames, 2, 2)
    expected = gradients(actual, frames, grad, retain_graph=True)[0]
    grad[0, 0, 1, 3] = float('nan')
    found = gradients(actual, frames, grad)[0]
    assert found[0, :, 1, 3].isnan().all()
    torch.testing.assert_close(found[..., 6:], expected[..., 6:])


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
    plain = MotionSqueeze(6, segments, reduced_channels=4, max_displacement=2, backend='torch').eval()
    fused = MotionSqueeze(6, segments, reduced_channels=4, max_displacement=2, backend='triton').eval()
    fused.load_state_dict(plain.state_dict())
    x = torch.randn(2, 6, 4, 5)
    torch.testing.assert_close(fused(x), plain(x), rtol=1e-5, atol=1e-5)
