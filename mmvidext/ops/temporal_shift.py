"""Temporal shift: move a part of the channels by one frame (TSM, Lin et al., ICCV 2019, section 3)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.backends import LARGEST_BATCH, KernelBackend, import_kernels, takes_triton
from mmvidext.ops.checks import check_at_least, check_rank, check_segments
from mmvidext.ops.exporting import is_exporting
from mmvidext.ops.plain_operators import needs_plain_operators

__all__ = ['temporal_shift', 'temporal_shift_step']

_WORTH_A_KERNEL = 2**25  # bytes: to call an operator of ours takes longer than to copy less


def temporal_shift(
    x: Tensor, num_segments: int, shift_div: int = 8, *, causal: bool = False, backend: KernelBackend = 'auto'
) -> Tensor:
    """Shift a part of the channels along time.

    With ``fold = C // shift_div``, frame t of the output takes channels ``[0, fold)`` from frame t+1, channels
    ``[fold, 2 * fold)`` from frame t-1 and the rest from frame t. Where that frame lies outside the clip the channels
    are zero. The causal form (section 4.2, online models) uses the past only: channels ``[0, fold)`` come from frame
    t-1 and the rest stays.

    The output has the input's memory format and dtype. Forward and backward cost one copy each.

    Args:
        x: Features ``(N*T, C, H, W)``, the frames of a clip one after the other.
        num_segments: T, the number of frames in a clip.
        shift_div: C over the number of channels that move in one direction.
        causal: Shift from the past only.
        backend: ``'torch'``; or ``'triton'``, one launch each way on a GPU. ``'auto'`` takes it on an NVIDIA GPU from
            32 MiB on.

    Returns:
        Shifted features ``(N*T, C, H, W)``; ``x`` is left as it is.

    Raises:
        ValueError: If ``x`` has not 4 dimensions, if T < 1 or N*T is no multiple of T, if ``shift_div`` is below 2
            (below 1 where causal), or if C < ``shift_div``, which would shift nothing; or if the backend is none of
            these, or cannot run this input.
        TypeError: If the type of ``x`` is none of the backend.
        ImportError: If the backend is not installed.

    Example:
        >>> x = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 4, 1, 1)  # every channel holds the frame's number
        >>> temporal_shift(x, num_segments=3, shift_div=4)[..., 0, 0]
        tensor([[1., 0., 0., 0.],
                [2., 0., 1., 1.],
                [0., 1., 2., 2.]])
    """
    sizes, steps = _parts(x, num_segments, shift_div, causal=causal)
    if is_exporting() or torch.jit.is_tracing():
        return _shift_by_concatenation(x, num_segments, sizes, steps)
    suits = x.numel() * x.itemsize >= _WORTH_A_KERNEL
    if takes_triton(backend, x, size=x.shape[0], largest=LARGEST_BATCH, what='frames', suits=suits):
        moved = dict(zip(steps, sizes, strict=True))  # channels that come from `step` frames later
        ahead = moved.get(1, 0)
        return _triton_op(x, num_segments, ahead, ahead + moved[-1], 1)
    if needs_plain_operators(x):
        return _shift_by_concatenation(x, num_segments, sizes, steps)
    if torch.is_grad_enabled() and x.requires_grad:
        return _Shift.apply(x, num_segments, sizes, steps)
    return _shift(x, num_segments, sizes, steps)


def _shift(x: Tensor, num_segments: int, sizes: list[int], steps: list[int]) -> Tensor:
    """Return a new tensor whose parts of the channels come from ``step`` frames later, each element written once."""
    out = torch.empty_like(x)
    for source, target, step in zip(x.split(sizes, 1), out.split(sizes, 1), steps, strict=True):
        if step == 1:
            target[:-1] = source[1:]
            target[num_segments - 1 :: num_segments].zero_()  # the last frame of each clip
        elif step == -1:
            target[1:] = source[:-1]
            target[::num_segments].zero_()
        else:
            target.copy_(source)
    return out


class _Shift(torch.autograd.Function):
    """The shift as one step of autograd. The gradient moves back.

    Recorded by autograd, each of the writes would become several copies in the backward pass.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, x: Tensor, num_segments: int, sizes: list[int], steps: list[int]
    ) -> Tensor:
        ctx.arguments = num_segments, sizes, steps
        return _shift(x, num_segments, sizes, steps)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        num_segments, sizes, steps = ctx.arguments
        return _Shift.apply(grad, num_segments, sizes, [-step for step in steps]), None, None, None


@torch.library.custom_op('mmvidext::temporal_shift', mutates_args=())
def _triton_op(x: Tensor, num_segments: int, first: int, second: int, direction: int) -> Tensor:
    result: Tensor = import_kernels('shift', x).shift(x, num_segments, first, second, direction)
    return result


@_triton_op.register_fake
def _(x: Tensor, num_segments: int, first: int, second: int, direction: int) -> Tensor:
    channels_last = not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return torch.empty_like(x, memory_format=layout)


def _setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
    _, *ctx.settings = inputs


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
    *settings, direction = ctx.settings
    return _triton_op(grad, *settings, -direction), None, None, None, None


torch.library.register_autograd('mmvidext::temporal_shift', _backward, setup_context=_setup_context)


def _shift_by_concatenation(x: Tensor, num_segments: int, sizes: list[int], steps: list[int]) -> Tensor:
    """Shift ``(N*T, C, H, W)`` without writing into a tensor.

    Exported, each such write is a scatter by element; TorchScript's tracer loses those that pass through a view.
    """

    def moved(part: Tensor, step: int) -> Tensor:
        if step == 0:
            return part
        kept, padding = (part[:, 1:], (0, 1)) if step == 1 else (part[:, :-1], (1, 0))
        return F.pad(kept, (0, 0, 0, 0, 0, 0, *padding))

    clips = x.unflatten(0, (x.shape[0] // num_segments, num_segments))
    parts = [moved(part, step) for part, step in zip(clips.split(sizes, 2), steps, strict=True)]
    return torch.cat(parts, dim=2).flatten(0, 1)


def temporal_shift_step(x: Tensor, cache: Tensor | None, shift_div: int = 8) -> tuple[Tensor, Tensor]:
    """Shift one frame, given what the previous frame left behind (online TSM, section 4.2).

    Frame by frame this equals ``temporal_shift(..., causal=True)`` on the whole clip, exactly.

    Args:
        x: Features of the current frame of N streams, ``(N, C, H, W)``.
        cache: The previous frame's first ``C // shift_div`` channels, ``(N, C // shift_div, H, W)``, as returned for
            that frame; None before the first frame, which counts as zeros.
        shift_div: C over the number of channels that move.

    Returns:
        The shifted features ``(N, C, H, W)``, and the cache for the next frame. The cache is a copy: it does not keep
        ``x`` alive.

    Raises:
        ValueError: If ``x`` has not 4 dimensions, if C < ``shift_div``, or if the cache does not fit ``x``.

    Example:
        >>> frames, cache, outputs = torch.rand(5, 8, 2, 2), None, []
        >>> for frame in frames:
        ...     output, cache = temporal_shift_step(frame[None], cache)
        ...     outputs.append(output)
        >>> torch.equal(torch.cat(outputs), temporal_shift(frames, num_segments=5, causal=True))
        True
    """
    check_rank(x, '(N, C, H, W)', name='x')
    fold = _num_shifted(x.shape[1], shift_div, least_div=1)
    if cache is None:
        cache = x.new_zeros(x.shape[0], fold, *x.shape[2:])
    _check_cache(x, cache, shift_div)
    return torch.cat([cache.to(x.dtype), x[:, fold:]], dim=1), x[:, :fold].clone()


def _check_cache(x: Tensor, cache: Tensor, shift_div: int) -> None:
    """Raise unless ``cache`` is what a frame of the size of ``x (N, C, H, W)`` leaves for the next one.

    Raises:
        ValueError: If its shape differs.
    """
    wanted = (x.shape[0], x.shape[1] // shift_div, *x.shape[2:])
    if cache.shape != wanted:
        raise ValueError(
            f'the cache must be (N, C // shift_div, H, W) = {wanted} for x of shape {tuple(x.shape)} and '
            f'shift_div={shift_div}, but its shape is {tuple(cache.shape)}. Pass the cache that the previous frame of '
            'the same streams returned, or None to start anew'
        )


def _parts(x: Tensor, num_segments: int, shift_div: int, *, causal: bool) -> tuple[list[int], list[int]]:
    """Check the arguments; return the channels of each part of ``x``, and how many frames later it is taken from."""
    check_rank(x, '(N*T, C, H, W)', name='x')
    check_segments(x.shape[0], num_segments)
    channels = x.shape[1]
    fold = _num_shifted(channels, shift_div, least_div=1 if causal else 2)
    return ([fold, channels - fold], [-1, 0]) if causal else ([fold, fold, channels - 2 * fold], [1, -1, 0])


def _num_shifted(channels: int, shift_div: int, *, least_div: int) -> int:
    """Return how many channels move in one direction."""
    check_at_least(shift_div, least_div, name='shift_div')
    if channels < shift_div:
        raise ValueError(
            f'x has {channels} channels, fewer than shift_div={shift_div}: nothing would be shifted. Use a shift_div '
            f'of at most {channels}'
        )
    return channels // shift_div
