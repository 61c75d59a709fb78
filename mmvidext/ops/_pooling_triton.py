"""The sampling field of LS-DFN in Triton: one launch forward and one for each gradient, one pass over memory each.

With ``padded (N, C, H + (s-1) g, W + (s-1) g)`` and ``attention (N, s*s, H, W)``, ``g`` pixels between samples::

    out[n, c, y, x] = sum over a, b of attention[n, a*s + b, y, x] * padded[n, c, y + g*a, x + g*b]

A program owns a block of cells and of channels; the samples that its cells share come from the cache. Sums are formed
in float32; there are no atomic additions.
"""

# mypy: disable-error-code="no-untyped-def"
import torch
import triton
import triton.language as tl
from torch import Tensor

__all__ = ['CONSTANTS', 'OPTIONS', 'pool', 'pool_backward']

OPTIONS = {'num_warps': 4}
CONSTANTS = {'CHANNELS': 16, 'CELLS': 128}


@triton.jit
def _forward_kernel(
    padded, attention, out, channels, height, width, blocks,
    padded_n, padded_c, padded_y, padded_x, out_n, out_c, out_y, out_x,
    SAMPLES: tl.constexpr, STRIDE: tl.constexpr, CHANNELS: tl.constexpr, CELLS: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(1).to(tl.int64)
    c = tl.program_id(0) % blocks * CHANNELS + tl.arange(0, CHANNELS)
    cell = tl.program_id(0) // blocks * CELLS + tl.arange(0, CELLS)
    y, x = cell // width, cell % width
    exists = cell < height * width
    wanted = (c < channels)[:, None] & exists[None, :]
    source = padded + n * padded_n + (c * padded_c)[:, None] + (y * padded_y + x * padded_x)[None, :]
    weights = attention + n * (SAMPLES * SAMPLES) * height * width + cell
    total = tl.zeros((CHANNELS, CELLS), tl.float32)
    for sample in range(SAMPLES * SAMPLES):
        offset = (sample // SAMPLES * padded_y + sample % SAMPLES * padded_x) * STRIDE
        weight = tl.load(weights + sample * height * width, mask=exists, other=0.0).to(tl.float32)
        total += weight[None, :] * tl.load(source + offset, mask=wanted, other=0.0).to(tl.float32)
    target = out + n * out_n + (c * out_c)[:, None] + (y * out_y + x * out_x)[None, :]
    tl.store(target, total.to(out.dtype.element_ty), mask=wanted)


@triton.jit
def _map_gradient_kernel(
    grad, attention, out, channels, height, width, full_height, full_width, blocks,
    grad_n, grad_c, grad_y, grad_x, out_n, out_c, out_y, out_x,
    SAMPLES: tl.constexpr, STRIDE: tl.constexpr, CHANNELS: tl.constexpr, CELLS: tl.constexpr,
):  # fmt: skip
    """``out[n, c, v, u]``: the sum over samples of attention times ``grad`` at ``(v - g*a, u - g*b)``."""
    n = tl.program_id(1).to(tl.int64)
    c = tl.program_id(0) % blocks * CHANNELS + tl.arange(0, CHANNELS)
    cell = tl.program_id(0) // blocks * CELLS + tl.arange(0, CELLS)
    v, u = cell // full_width, cell % full_width
    weights = attention + n * (SAMPLES * SAMPLES) * height * width
    source = grad + n * grad_n + (c * grad_c)[:, None]
    total = tl.zeros((CHANNELS, CELLS), tl.float32)
    for sample in range(SAMPLES * SAMPLES):
        y, x = v - sample // SAMPLES * STRIDE, u - sample % SAMPLES * STRIDE
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        weight = tl.load(weights + (sample * height + y) * width + x, mask=inside, other=0.0).to(tl.float32)
        value = tl.load(
            source + (y * grad_y + x * grad_x)[None, :], mask=(c < channels)[:, None] & inside[None, :], other=0.0
        )
        total += weight[None, :] * value.to(tl.float32)
    target = out + n * out_n + (c * out_c)[:, None] + (v * out_y + u * out_x)[None, :]
    wanted = (c < channels)[:, None] & (cell < full_height * full_width)[None, :]
    tl.store(target, total.to(out.dtype.element_ty), mask=wanted)


@triton.jit
def _attention_gradient_kernel(
    grad, padded, out, channels, height, width,
    grad_n, grad_c, grad_y, grad_x, padded_n, padded_c, padded_y, padded_x,
    SAMPLES: tl.constexpr, STRIDE: tl.constexpr, CHANNELS: tl.constexpr, CELLS: tl.constexpr,
):  # fmt: skip
    """``out[n, a*s + b, y, x]``: the sum over channels of ``grad`` times the sample; neighbors share what they read."""
    n = tl.program_id(1).to(tl.int64)
    sample = tl.program_id(0) % (SAMPLES * SAMPLES)
    cell = tl.program_id(0) // (SAMPLES * SAMPLES) * CELLS + tl.arange(0, CELLS)
    y, x = cell // width, cell % width
    exists = cell < height * width
    offset = (sample // SAMPLES * padded_y + sample % SAMPLES * padded_x) * STRIDE
    grads = grad + n * grad_n + (y * grad_y + x * grad_x)[None, :]
    values = padded + n * padded_n + offset + (y * padded_y + x * padded_x)[None, :]
    total = tl.zeros((CHANNELS, CELLS), tl.float32)
    for start in range(0, channels, CHANNELS):
        c = start + tl.arange(0, CHANNELS)
        wanted = (c < channels)[:, None] & exists[None, :]
        slope = tl.load(grads + (c * grad_c)[:, None], mask=wanted, other=0.0).to(tl.float32)
        total += slope * tl.load(values + (c * padded_c)[:, None], mask=wanted, other=0.0).to(tl.float32)
    target = out + (n * (SAMPLES * SAMPLES) + sample) * height * width + cell
    tl.store(target, tl.sum(total, 0).to(out.dtype.element_ty), mask=exists)


def _blocks(channels: int, cells: int) -> tuple[int, int]:
    """Return blocks of channels, and blocks in all."""
    blocks = triton.cdiv(channels, CONSTANTS['CHANNELS'])
    return blocks, blocks * triton.cdiv(cells, CONSTANTS['CELLS'])


def pool(padded: Tensor, attention: Tensor, num_samples: int, sample_stride: int) -> Tensor:
    """Pool ``padded`` of any strides to contiguous ``(N, C, H, W)``, given contiguous ``attention``."""
    count, channels = padded.shape[:2]
    height, width = attention.shape[2:]
    out = padded.new_empty(count, channels, height, width)
    if out.numel():
        blocks, programs = _blocks(channels, height * width)
        _forward_kernel[(programs, count)](
            padded, attention, out, channels, height, width, blocks, *padded.stride(), *out.stride(),
            SAMPLES=num_samples, STRIDE=sample_stride, **CONSTANTS, **OPTIONS,
        )  # fmt: skip
    return out


def pool_backward(
    grad: Tensor, padded: Tensor, attention: Tensor, num_samples: int, sample_stride: int
) -> tuple[Tensor, Tensor]:
    """Return the gradients of ``padded`` and ``attention``, given ``grad (N, C, H, W)`` of any strides."""
    count, channels, *full = padded.shape
    height, width = attention.shape[2:]
    grad_padded, grad_attention = torch.empty_like(padded), torch.empty_like(attention)
    constants = dict(CONSTANTS, SAMPLES=num_samples, STRIDE=sample_stride, **OPTIONS)
    if grad_padded.numel():
        blocks, programs = _blocks(channels, full[0] * full[1])
        _map_gradient_kernel[(programs, count)](
            grad, attention, grad_padded, channels, height, width, *full, blocks, *grad.stride(),
            *grad_padded.stride(), **constants,
        )  # fmt: skip
    if grad_attention.numel():
        programs = num_samples**2 * triton.cdiv(height * width, CONSTANTS['CELLS'])
        _attention_gradient_kernel[(programs, count)](
            grad, padded, grad_attention, channels, height, width, *grad.stride(), *padded.stride(), **constants
        )
    return grad_padded, grad_attention
