"""Temporal shift in Triton: one launch, each element read once and written once.

Frame t of the output takes channels ``[0, first)`` from frame ``t + direction``, channels ``[first, second)`` from
frame ``t - direction`` and the rest from frame t; zeros outside the clip. The gradient is the same in the other
direction.
"""

# mypy: disable-error-code="no-untyped-def"
import torch
import triton
import triton.language as tl
from torch import Tensor

__all__ = ['BLOCK', 'OPTIONS', 'shift']

OPTIONS = {'num_warps': 4}
BLOCK = 1024


@triton.jit
def _shift_kernel(x, out, frame_size, segments, channels, channel_step, first, second, direction, BLOCK: tl.constexpr):
    """Copy a part of one frame; neighboring channels are ``channel_step`` elements apart."""
    frame = tl.program_id(1)
    element = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    channel = element // channel_step % channels
    offset = tl.where(channel < first, direction, tl.where(channel < second, -direction, 0))
    time = frame % segments + offset
    exists = element < frame_size
    source = x + (frame + offset).to(tl.int64) * frame_size + element
    value = tl.load(source, mask=exists & (time >= 0) & (time < segments), other=0.0)
    tl.store(out + frame.to(tl.int64) * frame_size + element, value, mask=exists)


def shift(x: Tensor, num_segments: int, first: int, second: int, direction: int) -> Tensor:
    """Shift ``(N*T, C, H, W)``, contiguous or channels_last, which the result is, too; others are made contiguous."""
    channels_last = not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
    x = x if channels_last else x.contiguous()
    out = torch.empty_like(x)
    frames, channels, height, width = x.shape
    if x.numel():
        size = channels * height * width
        _shift_kernel[(triton.cdiv(size, BLOCK), frames)](
            x, out, size, num_segments, channels, 1 if channels_last else height * width, first, second, direction,
            BLOCK=BLOCK, **OPTIONS,
        )  # fmt: skip
    return out
