import pytest
import torch
from torch.autograd import gradcheck

from mmvidext.ops import temporal_shift, temporal_shift_step
from tests.launches import count_launches, count_written
from tests.oracles.temporal_shift import temporal_shift as naive_temporal_shift

# clips, frames, channels, height, width, shift_div
SHAPES = [(2, 8, 16, 3, 5, 8), (1, 1, 9, 2, 2, 4), (3, 2, 8, 1, 1, 8), (2, 5, 11, 4, 3, 3)]


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float64])
def test_equals_naive_loop_exactly(shape, dtype, causal):
    clips, frames, channels, height, width, div = shape
    x = torch.randn(clips * frames, channels, height, width).to(dtype)
    out = temporal_shift(x, frames, div, causal=causal)
    assert out.dtype == dtype
    assert torch.equal(out, naive_temporal_shift(x, frames, div, causal))


@pytest.mark.parametrize('causal', [False, True])
def test_input_is_left_alone_and_layout_kept(causal):
    x = torch.randn(6, 8, 4, 5).to(memory_format=torch.channels_last)
    before = x.clone()
    out = temporal_shift(x, 3, causal=causal)
    assert torch.equal(x, before)
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(out, temporal_shift(x.contiguous(), 3, causal=causal))
    assert temporal_shift(x.contiguous(), 3, causal=causal).is_contiguous()


def test_strided_and_expanded_input():
    x = torch.randn(4, 8, 5, 6)[:, :, ::2, 1::2]
    assert not x.is_contiguous()
    assert torch.equal(temporal_shift(x, 2), temporal_shift(x.contiguous(), 2))
    expanded = torch.randn(1, 8, 2, 2).expand(4, -1, -1, -1)
    assert torch.equal(temporal_shift(expanded, 2), temporal_shift(expanded.contiguous(), 2))


@pytest.mark.parametrize('causal', [False, True])
def test_gradcheck(causal):
    x = torch.randn(6, 5, 2, 1, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda x: temporal_shift(x, 3, 2, causal=causal), (x,))


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(('causal', 'writes'), [(False, 5), (True, 3)])
def test_each_element_is_written_once(layout, causal, writes):
    x = torch.randn(8, 16, 4, 4).to(memory_format=layout).requires_grad_()
    grad = torch.randn(8, 16, 4, 4).to(memory_format=layout)

    def shift():
        return temporal_shift(x, 8, causal=causal)

    out = shift()
    assert count_launches(shift) == writes
    assert count_written(shift) == x.numel()
    assert count_launches(lambda: torch.autograd.grad(out, x, grad, retain_graph=True)) == writes
    assert count_written(lambda: torch.autograd.grad(out, x, grad)) == x.numel()


def test_nothing_is_recorded_without_gradients():
    x = torch.randn(8, 16, 4, 4, requires_grad=True)
    with torch.no_grad():
        assert temporal_shift(x, 4).grad_fn is None
    assert temporal_shift(x.detach(), 4).grad_fn is None
    assert temporal_shift(x, 4).grad_fn is not None


def test_export_gives_the_same():
    class Shift(torch.nn.Module):
        def forward(self, x):
            return temporal_shift(x, 3), temporal_shift(x, 3, causal=True)

    x = torch.randn(6, 8, 3, 2)
    exported = torch.export.export(Shift(), (x,)).module()
    assert all(map(torch.equal, exported(x), Shift()(x)))


def test_infinity_stays_in_its_place():
    """mmaction2's shift fills with x - x, which turns one infinity into a nan of another frame."""
    x = torch.zeros(4, 8, 1, 1)
    x[0, 0] = x[3, 1] = float('inf')
    assert not temporal_shift(x, 4).isnan().any()


def test_empty_batch():
    assert temporal_shift(torch.zeros(0, 8, 3, 3), 4).shape == (0, 8, 3, 3)


@pytest.mark.parametrize('causal', [False, True])
def test_compiles_without_graph_break(causal):
    x = torch.randn(6, 8, 3, 3)
    compiled = torch.compile(
        lambda x: temporal_shift(x, 3, causal=causal), fullgraph=True, backend='aot_eager', dynamic=False
    )
    assert torch.equal(compiled(x), temporal_shift(x, 3, causal=causal))


def test_autocast_keeps_dtype():
    x = torch.randn(4, 8, 2, 2, dtype=torch.bfloat16)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(temporal_shift(x, 2), naive_temporal_shift(x, 2, 8, False))


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_frame_by_frame_equals_causal_clip_exactly(dtype):
    clip = torch.randn(2, 6, 12, 3, 4, dtype=dtype)  # (N, T, C, H, W)
    cache, frames = None, []
    for t in range(clip.shape[1]):
        frame, cache = temporal_shift_step(clip[:, t], cache, 5)
        frames.append(frame)
    expected = temporal_shift(clip.flatten(0, 1), 6, 5, causal=True)
    assert torch.equal(torch.stack(frames, dim=1).flatten(0, 1), expected)


def test_cache_does_not_follow_the_frame():
    frame = torch.zeros(1, 8, 2, 2)
    _, cache = temporal_shift_step(frame, None)
    frame += 1
    assert (cache == 0).all()


@pytest.mark.parametrize(
    ('x', 'num_segments', 'shift_div', 'causal', 'message'),
    [
        (torch.zeros(4, 8, 2), 2, 8, False, r'x must be \(N\*T, C, H, W\), 4 dimensions, but its shape is \(4, 8, 2\)'),
        (torch.zeros(4, 8, 2, 2), 0, 8, False, 'num_segments must be a whole number, at least 1, but is 0'),
        (
            torch.zeros(4, 8, 2, 2),
            3,
            8,
            False,
            '4 frames, which is not a multiple of num_segments=3.*num_clips',
        ),
        (torch.zeros(4, 7, 2, 2), 2, 8, False, 'x has 7 channels, fewer than shift_div=8: nothing would be shifted'),
        (torch.zeros(4, 8, 2, 2), 2, 1, False, 'shift_div must be a whole number, at least 2, but is 1'),
        (torch.zeros(4, 8, 2, 2), 2, 2.0, False, r'shift_div must be a whole number, at least 2, but is 2\.0'),
        (torch.zeros(4, 8, 2, 2), 2, 0, True, 'shift_div must be a whole number, at least 1, but is 0'),
    ],
)
def test_errors(x, num_segments, shift_div, causal, message):
    with pytest.raises(ValueError, match=message):
        temporal_shift(x, num_segments, shift_div, causal=causal)


def test_step_errors():
    with pytest.raises(ValueError, match=r'cache must be .* = \(2, 1, 3, 3\).* its shape is \(1, 1, 3, 3\)'):
        temporal_shift_step(torch.zeros(2, 8, 3, 3), torch.zeros(1, 1, 3, 3))
    with pytest.raises(ValueError, match='fewer than shift_div'):
        temporal_shift_step(torch.zeros(2, 4, 3, 3), None)
