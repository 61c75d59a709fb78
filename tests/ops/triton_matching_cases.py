"""The fused matching in Triton's interpreter: ``TRITON_INTERPRET=1 pytest THIS_FILE``; see test_triton.py."""

import pytest
import torch
from torch.autograd import grad as gradients

from mmvidext.layers import MotionSqueeze
from mmvidext.ops import kernel_soft_argmax, local_correlation
from mmvidext.ops.frame_matching import match_frames


def unfused(frames, segments, radius, sigma):
    unit = frames / (frames.square().sum(1, keepdim=True) + 1e-6).sqrt()
    clips = unit.unflatten(0, (-1, segments))
    pairs = clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1)
    scores = local_correlation(*pairs, radius, backend='torch')
    return torch.cat(kernel_soft_argmax(torch.relu(scores), sigma=sigma, backend='torch'), dim=1)


def leaf(shape, layout=torch.contiguous_format):
    return torch.randn(shape).to(memory_format=layout).requires_grad_()


@pytest.mark.parametrize(
    ('shape', 'segments', 'radius', 'sigma', 'layout'),
    [
        ((3, 8, 3, 5), 3, 2, 5.0, torch.channels_last),
        ((2, 19, 3, 17), 2, 3, None, torch.contiguous_format),
        ((2, 3, 1, 1), 2, 1, 5.0, torch.contiguous_format),
        ((2, 64, 3, 10), 2, 7, 5.0, torch.channels_last),
    ],
)
def test_fused_matching_equals_the_unfused(shape, segments, radius, sigma, layout):
    frames = leaf(shape, layout)
    exact = frames.detach().double().requires_grad_()
    outputs = [
        match_frames(frames, segments, radius, sigma=sigma),
        unfused(frames, segments, radius, sigma),
        unfused(exact, segments, radius, sigma),
    ]
    grad = torch.randn_like(outputs[0])
    leaves = frames, frames, exact
    grads = [gradients(output, leaf, grad.to(output.dtype))[0] for output, leaf in zip(outputs, leaves, strict=True)]
    for found, plain, truth in (outputs, grads):
        # the temperature magnifies roundings a hundredfold, in the unfused one too
        rounding = (plain - truth).abs().max()
        assert (found - truth).abs().max() <= 1e-5 * truth.abs().max() + 3 * rounding


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
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


@pytest.mark.parametrize(
    ('frame', 'value'), [(0, float('inf')), (1, float('nan')), (1, float('inf')), (2, float('nan'))]
)
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
    frames = leaf((2, 64, 1, 1))
    fused = saved_bytes(lambda: match_frames(frames, 2, 7))
    assert fused <= 0.1 * saved_bytes(lambda: unfused(frames, 2, 7, 5.0)), fused


@pytest.mark.parametrize('segments', [1, 2])
def test_layer_gives_the_same_with_either_backend(segments):
    plain = MotionSqueeze(6, segments, reduced_channels=4, max_displacement=2, backend='torch').eval()
    fused = MotionSqueeze(6, segments, reduced_channels=4, max_displacement=2, backend='triton').eval()
    fused.load_state_dict(plain.state_dict())
    x = torch.randn(2, 6, 4, 5)
    torch.testing.assert_close(fused(x), plain(x), rtol=1e-4, atol=1e-4)  # the temperature magnifies roundings
