"""Displacement between neighboring frames without a correlation volume: the middle of MotionSqueeze as one operator."""

from typing import Any

import torch
from torch import Tensor

from mmvidext.ops.backends import LARGEST_BATCH, import_kernels
from mmvidext.ops.checks import check_at_least, check_rank, check_segments
from mmvidext.ops.kernel_soft_argmax import check_softness

__all__ = ['MOST_CHANNELS', 'match_frames']

MOST_CHANNELS = 128  # the kernel holds all channels of its cells at once


def match_frames(
    frames: Tensor,
    num_segments: int,
    max_displacement: int,
    *,
    sigma: float | None = 5.0,
    temperature: float = 0.01,
    eps: float = 1e-6,
) -> Tensor:
    """Match each frame with the next one of its clip, in Triton.

    The result is that of an L2 norm over channels, :func:`mmvidext.ops.local_correlation`, a ReLU and
    :func:`mmvidext.ops.kernel_soft_argmax`, in one launch each way. Unit vectors and scores are formed anew in the
    backward pass; kept are the frames and five numbers a cell.

    Args:
        frames: ``float32 (N*T, C, H, W)``, the frames of a clip one after the other, at most 128 channels.
        num_segments: T, the number of frames in a clip, at least 2.
        max_displacement: Largest displacement in cells.
        sigma: Width of the Gaussian in cells, 1e-6 to 1e6; None omits it.
        temperature: Temperature of the softmax, 1e-30 to 1e30.
        eps: Added to the squared norm.

    Returns:
        ``float32 (N*(T-1), 3, H, W)``: displacement (x, y) in cells, and confidence; NaN for the cells that look at one
        that is not finite. Gradients are NaN at least where the definition says so, and at most at the cells that
        such a cell looks at.

    Raises:
        ValueError: If an argument is out of range, or the frames are on a CPU.
        TypeError: If the frames are not float32.
        ImportError: If Triton is not installed.
    """
    check_rank(frames, '(N*T, C, H, W)', name='frames')
    check_segments(frames.shape[0], num_segments)
    check_at_least(num_segments, 2, name='num_segments')
    check_at_least(max_displacement, 0, name='max_displacement')
    check_softness(sigma, temperature)
    if frames.dtype != torch.float32:
        raise TypeError(f'frames must be float32, but are {frames.dtype}')
    if frames.shape[0] > LARGEST_BATCH:
        raise ValueError(f"got {frames.shape[0]} frames, more than {LARGEST_BATCH}: use backend='torch'")
    if frames.shape[1] > MOST_CHANNELS:
        raise ValueError(f"frames have {frames.shape[1]} channels, more than {MOST_CHANNELS}: use backend='torch'")
    motion: Tensor = _match_frames_op(frames, num_segments, max_displacement, sigma, temperature, eps)[0]
    return motion


@torch.library.custom_op('mmvidext::match_frames', mutates_args=())
def _match_frames_op(
    frames: Tensor, num_segments: int, max_displacement: int, sigma: float | None, temperature: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    kernels = import_kernels('matching', frames)
    matched: tuple[Tensor, Tensor, Tensor] = kernels.match(
        frames, num_segments, max_displacement, sigma, temperature, eps
    )
    return matched


@_match_frames_op.register_fake
def _(
    frames: Tensor, num_segments: int, max_displacement: int, sigma: float | None, temperature: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    pairs, size = frames.shape[0] - frames.shape[0] // num_segments, frames.shape[2:]
    best = frames.new_empty(pairs, *size, dtype=torch.int32)
    return frames.new_empty(pairs, 3, *size), best, frames.new_empty(pairs, *size)


@torch.library.custom_op('mmvidext::match_frames_backward', mutates_args=())
def _match_frames_backward_op(
    grad: Tensor,
    frames: Tensor,
    motion: Tensor,
    best: Tensor,
    total: Tensor,
    num_segments: int,
    max_displacement: int,
    sigma: float | None,
    temperature: float,
    eps: float,
) -> Tensor:
    settings = num_segments, max_displacement, sigma, temperature, eps
    kernels = import_kernels('matching', frames)
    grad_frames: Tensor = kernels.match_backward(grad, frames, (motion, best, total), *settings)
    return grad_frames


@_match_frames_backward_op.register_fake
def _(grad: Tensor, frames: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(frames)


def _setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, *ctx.settings = inputs
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(frames, *output)


def _backward(ctx: Any, grad: Tensor | None, *_: Any) -> tuple[Tensor | None, None, None, None, None, None]:
    result = None if grad is None else _match_frames_backward_op(grad, *ctx.saved_tensors, *ctx.settings)
    return result, None, None, None, None, None


torch.library.register_autograd('mmvidext::match_frames', _backward, setup_context=_setup_context)
