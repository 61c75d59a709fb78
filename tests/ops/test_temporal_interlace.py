import pytest
import torch

from mmvidext.ops.temporal_interlace import temporal_interlace
from tests.oracles.temporal_interlace import naive_temporal_interlace


def inputs(clips=2, frames=5, groups=4, per_group=3, size=(3, 4), dtype=torch.float64):
    x = torch.randn(clips * frames, groups * per_group, *size, dtype=dtype)
    return x, torch.rand(clips, groups, dtype=dtype) * 6 - 3, torch.rand(clips, frames, groups, dtype=dtype) * 2


@pytest.mark.parametrize(('frames', 'groups', 'size'), [(5, 4, (3, 4)), (1, 2, (1, 1)), (8, 1, (5, 3))])
def test_equals_the_loop(frames, groups, size):
    x, offsets, weights = inputs(frames=frames, groups=groups, size=size)
    expected = naive_temporal_interlace(x, offsets, weights, frames)
    assert torch.allclose(temporal_interlace(x, offsets, weights, frames), expected, atol=1e-12)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_other_dtypes(dtype):
    x, offsets, weights = inputs(dtype=torch.float32)
    x = x.to(dtype)
    out = temporal_interlace(x, offsets, weights, 5)
    expected = naive_temporal_interlace(x.float(), offsets, weights, 5)
    assert out.dtype == dtype
    assert torch.allclose(out.float(), expected, atol=1e-5 if dtype == torch.float32 else 5e-2)


def test_zero_offset_is_the_identity_and_whole_offsets_move_whole_frames():
    x, _, weights = inputs()
    ones = torch.ones_like(weights)
    assert torch.equal(temporal_interlace(x, torch.zeros(2, 4).double(), ones, 5), x)
    moved = temporal_interlace(x, torch.full((2, 4), 2.0).double(), ones, 5).unflatten(0, (2, 5))
    assert torch.equal(moved[:, 2:], x.unflatten(0, (2, 5))[:, :3])
    assert not moved[:, :2].any()
    assert not temporal_interlace(x, torch.full((2, 4), -9.5).double(), ones, 5).any()


def test_layouts_and_empty_batches():
    x, offsets, weights = inputs()
    expected = temporal_interlace(x, offsets, weights, 5)
    assert torch.equal(temporal_interlace(x.to(memory_format=torch.channels_last), offsets, weights, 5), expected)
    wide = torch.cat([x, x], 3)[..., :4]
    assert not wide.is_contiguous()
    assert torch.equal(temporal_interlace(wide, offsets, weights, 5), expected)
    for shape, empty in (
        ((0, 12, 3, 4), (x[:0], offsets[:0], weights[:0])),
        ((10, 12, 3, 0), (x[..., :0], offsets, weights)),
    ):
        leaves = [tensor.detach().requires_grad_() for tensor in empty]
        out = temporal_interlace(*leaves, 5)
        assert out.shape == shape
        grads = torch.autograd.grad(out.sum(), leaves)  # processes with an empty batch wait for all of them
        assert not any(grad.any() for grad in grads)


def test_the_input_is_not_changed_and_infinity_stays_in_its_frame():
    x, _, weights = inputs(clips=1)
    x[4] = float('inf')
    before = x.clone()
    out = temporal_interlace(x, torch.full((1, 4), 1.0).double(), weights, 5)
    assert torch.equal(x, before)
    assert not out[0].any()
    assert torch.isfinite(out[:4]).all()


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_an_offset_that_is_not_finite_shows(value):
    (x, offsets, weights), frames = inputs(), 5
    offsets[0, 1] = value
    out = temporal_interlace(x, offsets, weights, frames).unflatten(0, (2, frames)).unflatten(2, (4, -1))
    assert out[0, :, 1].isnan().all()
    assert out[0, :, [0, 2, 3]].isfinite().all()
    assert out[1].isfinite().all()


def test_gradients():
    x, offsets, weights = inputs(clips=1, frames=3, groups=2, per_group=1, size=(2, 1))
    arguments = tuple(tensor.requires_grad_() for tensor in (x, offsets, weights))
    assert torch.autograd.gradcheck(lambda *tensors: temporal_interlace(*tensors, 3), arguments)


def test_compiles_without_graph_breaks_and_runs_under_autocast():
    x, offsets, weights = inputs(dtype=torch.float32)
    compiled = torch.compile(temporal_interlace, fullgraph=True, backend='aot_eager')
    assert torch.allclose(compiled(x, offsets, weights, 5), temporal_interlace(x, offsets, weights, 5))
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.isfinite(temporal_interlace(x, offsets, weights, 5)).all()


@pytest.mark.parametrize(
    ('x', 'offsets', 'weights', 'message'),
    [
        ((8, 4, 2), (2, 4), (2, 4, 4), r'x must be \(N\*T, C, H, W\), 4 dimensions'),
        ((9, 4, 2, 2), (2, 4), (2, 4, 4), r'x holds 9 frames, which is not a multiple of num_segments=4'),
        ((8, 4, 2, 2), (3, 4), (2, 4, 4), r'offsets are for 3 clips, but x has 2'),
        ((8, 6, 2, 2), (2, 4), (2, 4, 4), r'the 6 channels of x cannot be split into 4 groups'),
        ((8, 4, 2, 2), (2, 4), (2, 4, 2), r'weights must be \(N, T, G\) = \(2, 4, 4\), not \(2, 4, 2\)'),
    ],
)
def test_bad_shapes(x, offsets, weights, message):
    with pytest.raises(ValueError, match=message):
        temporal_interlace(torch.zeros(x), torch.zeros(offsets), torch.zeros(weights), 4)
