"""Dynamic filtering with a large sampling field, LS-DFN (Wu et al., arXiv 1803.07624, section 3)."""

import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.backends import KernelBackend
from mmvidext.ops.channel_filter import ProjectedKernel, filter_channels, filter_channels_projected
from mmvidext.ops.checks import check_at_least, check_odd, check_rank
from mmvidext.ops.precision import accumulation_dtype
from mmvidext.ops.sample_pooling import check_field, pool_padded

__all__ = ['ProjectedKernel', 'check_settings', 'dynamic_filter']


def dynamic_filter(
    feature: Tensor,
    spatial_kernel: Tensor,
    channel_kernel: Tensor | ProjectedKernel,
    position_attention: Tensor,
    sample_attention: Tensor,
    *,
    kernel_size: int,
    num_samples: int,
    sample_stride: int,
    chunk_channels: int | None = None,
    backend: KernelBackend = 'auto',
) -> Tensor:
    """Filter every position with kernels of its own, over a field of samples around it, and average the samples.

    With ``F`` the feature, ``u`` its ``C`` channels, ``v`` the ``C'`` outputs, ``(j, i)`` the ``k*k`` taps and
    ``(a, b)`` the ``s*s`` samples, counted from the center, and everything but ``F`` taken at the output position
    ``(y, x)``::

        W[v, u, j, i] = V[v, j, i] + (U[v, u] + 1 / C) * [j = i = 0]
        out[v, y, x]  = 1 / (s*s) * sum over a, b of (1 + A_sample[a, b])
                        * sum over j, i of (1 + A_position[j, i])
                        * sum over u of W[v, u, j, i] * F[u, y + g*a + j, x + g*b + i]

    These are equations 2 to 7 of the paper with the mean over the samples for its fusion. Zero kernels and zero
    attention give the mean of the field of the mean of the channels. All of it is linear in ``F``, so the samples are
    pooled first: ``C + k*k`` maps instead of ``s*s * C'``, and the same result. Sums are formed in float32 at least.

    Args:
        feature: ``F``, ``(N, C, H, W)``. Zero outside the map.
        spatial_kernel: ``V``, ``(N, C'*k*k, H, W)``: output channel first, then the rows of the kernel.
        channel_kernel: ``U``, ``(N, C'*C, H, W)``, output channel first; or the 1x1 convolution that would make it, as
            :class:`ProjectedKernel`, so that it need never exist.
        position_attention: ``A_position``, ``(N, k*k, H, W)``.
        sample_attention: ``A_sample``, ``(N, s*s, H, W)``, rows of the field first.
        kernel_size: ``k``, odd.
        num_samples: ``s``, samples along each axis, odd. 1 is a plain dynamic filter network.
        sample_stride: ``g``, pixels between neighboring samples.
        chunk_channels: Output channels to compute at once; fewer need less memory. By default as many as a temporary of
            8 MiB allows, on a GPU of 128 MiB.
        backend: Of the pooling, as in :func:`mmvidext.ops.pool_samples`.

    Returns:
        ``(N, C', H, W)`` in the type of ``feature``.

    Raises:
        ValueError: If ``kernel_size`` or ``num_samples`` is even, ``sample_stride`` or ``chunk_channels`` is below 1,
            or a kernel or an attention does not match the feature's shape; or if the backend is none of these, or
            cannot run this input.
        TypeError: If the type of the feature is none of the backend.
        ImportError: If the backend is not installed.

    Example:
        >>> feature = torch.rand(1, 8, 16, 20)
        >>> spatial, channel = torch.zeros(1, 4 * 9, 16, 20), torch.zeros(1, 4 * 8, 16, 20)
        >>> position, sample = torch.zeros(1, 9, 16, 20), torch.zeros(1, 25, 16, 20)
        >>> out = dynamic_filter(
        ...     feature, spatial, channel, position, sample, kernel_size=3, num_samples=5, sample_stride=3
        ... )
        >>> out.shape
        torch.Size([1, 4, 16, 20])
    """
    check_settings(kernel_size, num_samples, sample_stride, chunk_channels)
    _check_shapes(
        feature, spatial_kernel, channel_kernel, position_attention, sample_attention, kernel_size, num_samples
    )
    dtype = accumulation_dtype(feature)
    exact = feature.to(dtype)
    weights = (sample_attention.to(dtype) + 1) / num_samples**2
    reach = sample_stride * (num_samples - 1) // 2
    field = num_samples, sample_stride, backend
    pooled = pool_padded(F.pad(exact, (reach, reach, reach, reach)), weights, *field)
    taps = pool_padded(_tap_maps(exact, kernel_size, reach), weights, *field)  # (N, k*k, H, W)

    position = position_attention.to(dtype) + 1
    center = slice(kernel_size**2 // 2, kernel_size**2 // 2 + 1)
    if isinstance(channel_kernel, ProjectedKernel):
        channel_part = filter_channels_projected(pooled, channel_kernel, chunk_channels=chunk_channels)
    else:
        channel_part = filter_channels(pooled, channel_kernel, chunk_channels=chunk_channels)
    channel_part = (channel_part + taps[:, center] / feature.shape[1]) * position[:, center]
    spatial = spatial_kernel.to(dtype).unflatten(1, (-1, kernel_size**2))  # (N, C', k*k, H, W)
    return (channel_part + (spatial * (position * taps).unsqueeze(1)).sum(dim=2)).to(feature.dtype)


def _tap_maps(feature: Tensor, kernel_size: int, reach: int) -> Tensor:
    """Stack the sum of the channels, shifted to each tap: ``(N, k*k, H + 2 * reach, W + 2 * reach)``.

    The border is filled before the shift, because a tap may reach back into the map from a sample outside it.
    """
    border = reach + kernel_size // 2
    total = F.pad(feature.sum(dim=1, keepdim=True), (border, border, border, border))
    taps = total.unfold(2, kernel_size, 1).unfold(3, kernel_size, 1)  # (N, 1, height, width, k, k), a view
    return taps.permute(0, 1, 4, 5, 2, 3).flatten(1, 3)


def check_settings(kernel_size: int, num_samples: int, sample_stride: int, chunk_channels: int | None) -> None:
    """Raise ``ValueError`` unless the arguments describe a dynamic filter; see :func:`dynamic_filter`."""
    check_odd(kernel_size, name='kernel_size')
    check_field(num_samples, sample_stride)
    if chunk_channels is not None:
        check_at_least(chunk_channels, 1, name='chunk_channels')


def _check_shapes(
    feature: Tensor,
    spatial_kernel: Tensor,
    channel_kernel: Tensor | ProjectedKernel,
    position_attention: Tensor,
    sample_attention: Tensor,
    kernel_size: int,
    num_samples: int,
) -> None:
    check_rank(feature, '(N, C, H, W)', name='feature')
    batch, channels, height, width = feature.shape
    check_at_least(channels, 1, name='the number of channels of feature')
    check_rank(spatial_kernel, "(N, C'*k*k, H, W)", name='spatial_kernel')
    outputs, rest = spatial_kernel.shape[1] // kernel_size**2, spatial_kernel.shape[1] % kernel_size**2
    if rest or outputs == 0:
        raise ValueError(
            f'spatial_kernel must have a multiple of kernel_size**2 = {kernel_size**2} channels, but its shape is '
            f'{tuple(spatial_kernel.shape)}'
        )
    expected = {
        'spatial_kernel': (spatial_kernel, spatial_kernel.shape[1]),
        'position_attention': (position_attention, kernel_size**2),
        'sample_attention': (sample_attention, num_samples**2),
    }
    if isinstance(channel_kernel, ProjectedKernel):
        code, weight, bias = channel_kernel
        expected['channel_kernel.code'] = code, code.shape[1]
        shapes = (outputs * channels, code.shape[1], 1, 1), (outputs * channels,)
        if (tuple(weight.shape), tuple(bias.shape)) != shapes:
            raise ValueError(
                f'the weight and the bias of channel_kernel must be {shapes[0]} and {shapes[1]} for {outputs} output '
                f'channels and a feature of {channels}, but they are {tuple(weight.shape)} and {tuple(bias.shape)}'
            )
    else:
        expected['channel_kernel'] = channel_kernel, outputs * channels
    for name, (tensor, count) in expected.items():
        if tuple(tensor.shape) != (batch, count, height, width):
            raise ValueError(
                f'{name} must be {(batch, count, height, width)} for a feature of {tuple(feature.shape)} and {outputs} '
                f'output channels, but its shape is {tuple(tensor.shape)}'
            )
