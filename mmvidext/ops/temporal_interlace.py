"""Temporal interlacing: shift groups of channels by fractions of frames."""

import torch
from torch import Tensor

from mmvidext.ops.checks import check_rank, check_segments

__all__ = ['temporal_interlace']


def temporal_interlace(x: Tensor, offsets: Tensor, weights: Tensor, num_segments: int) -> Tensor:
    """Move each group of channels forward in time by a fractional number of frames of its own, and weigh the frames.

    With ``s = offsets[n, g]``, ``f = s - floor(s)`` and zeros outside the clip, frame ``t`` of group ``g`` becomes
    ``weights[n, t, g] * ((1 - f) * x[t - floor(s)] + f * x[t - floor(s) - 1])``: an offset of 1 takes each frame to the
    next time step. "Temporal Interlacing Network", https://arxiv.org/abs/2001.06499, section 3.2; same numbers as the
    official CUDA code and as ``mmcv.ops.tin_shift`` in mmaction2's ``ResNetTIN``, which have no CPU version.

    Args:
        x: Features, ``(N*T, C, H, W)``, the frames of a clip one after the other.
        offsets: Frames to move by, ``(N, G)``; group ``g`` is the ``g``-th run of ``C / G`` channels. Differentiable.
        weights: Factor of every output frame, ``(N, T, G)``. Differentiable.
        num_segments: Frames of a clip, ``T``.

    Returns:
        The interlaced features, ``(N*T, C, H, W)``, contiguous, of ``x``'s dtype; NaN where an offset is not finite.

    Raises:
        ValueError: If a shape does not fit.

    Example:
        >>> x = torch.arange(3.0).view(3, 1, 1, 1)  # three frames: 0, 1, 2
        >>> temporal_interlace(x, torch.tensor([[0.5]]), torch.ones(1, 3, 1), num_segments=3).flatten()
        tensor([0.0000, 0.5000, 1.5000])
    """
    _check(x, offsets, weights, num_segments)
    frames, channels, height, width = x.shape
    groups = offsets.shape[1]
    floor = offsets.detach().floor()
    fraction = (offsets - floor).unsqueeze(1)  # (N, 1, G)
    time = torch.arange(num_segments, device=x.device).view(1, -1, 1)
    source = time - floor.long().unsqueeze(1)  # (N, T, G)
    # (N*T*G, C/G*H*W), one row for a group in a frame
    rows = x.reshape(frames * groups, channels // groups * height * width)
    undefined = ~offsets.isfinite().unsqueeze(1)  # their frames must not pass for frames outside the clip
    near = _frames(rows, source, weights * (1 - fraction), undefined)
    far = _frames(rows, source - 1, weights * fraction, undefined, has_share=fraction != 0)
    return (near + far).view(frames, channels, height, width)


def _frames(rows: Tensor, source: Tensor, factor: Tensor, undefined: Tensor, has_share: Tensor | None = None) -> Tensor:
    """Return ``factor`` times the rows of the frames ``source (N, T, G)``; zero where there is no such frame.

    Where ``undefined (N, 1, G)`` there is no frame to speak of; ``factor``, which is NaN there, shows through. Without
    ``has_share (N, 1, G)`` an infinity or a NaN of a frame does not count.
    """
    clips, num_segments, groups = source.shape
    inside = (source >= 0) & (source < num_segments) | undefined
    clip = torch.arange(clips, device=rows.device).view(-1, 1, 1) * num_segments
    group = torch.arange(groups, device=rows.device)
    index = (clip + source.clamp(0, num_segments - 1)) * groups + group
    taken = torch.where(inside.reshape(-1, 1), rows.index_select(0, index.flatten()), rows.new_zeros(()))
    # products with zero would turn infinities of frames without a share into NaN
    if has_share is not None:
        finite = taken.detach().nan_to_num(0, 0, 0)  # times zero: it hands no gradient on
        taken = torch.where(has_share.expand_as(source).reshape(-1, 1), taken, finite)
    return taken * factor.to(rows.dtype).reshape(-1, 1)


def _check(x: Tensor, offsets: Tensor, weights: Tensor, num_segments: int) -> None:
    check_rank(x, '(N*T, C, H, W)', name='x')
    check_rank(offsets, '(N, G)', name='offsets')
    check_rank(weights, '(N, T, G)', name='weights')
    check_segments(x.shape[0], num_segments)
    clips, groups = offsets.shape
    if clips != x.shape[0] // num_segments:
        raise ValueError(f'offsets are for {clips} clips, but x has {x.shape[0] // num_segments}')
    if groups < 1 or x.shape[1] % groups:
        raise ValueError(f'the {x.shape[1]} channels of x cannot be split into {groups} groups (offsets) of equal size')
    if tuple(weights.shape) != (clips, num_segments, groups):
        raise ValueError(f'weights must be (N, T, G) = {(clips, num_segments, groups)}, not {tuple(weights.shape)}')
