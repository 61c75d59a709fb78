"""LS-DFN as the paper writes it: kernels formed, every sample and every tap filtered, then fused."""

import torch


def shift_with_zeros(x, dy, dx):
    """out[..., y, x] = x[..., y + dy, x + dx], zero outside."""
    height, width = x.shape[-2:]
    out = torch.zeros_like(x)
    rows = slice(max(0, -dy), min(height, height - dy))
    columns = slice(max(0, -dx), min(width, width - dx))
    if rows.start < rows.stop and columns.start < columns.stop:
        source = x[..., rows.start + dy : rows.stop + dy, columns.start + dx : columns.stop + dx]
        out[..., rows, columns] = source
    return out


def naive_dynamic_filter(
    feature, spatial_kernel, channel_kernel, position_attention, sample_attention, *, kernel_size, num_samples,
    sample_stride,
):  # fmt: skip
    batch, channels, height, width = feature.shape
    outputs = spatial_kernel.shape[1] // kernel_size**2
    spatial = spatial_kernel.view(batch, outputs, kernel_size, kernel_size, height, width)
    channel = channel_kernel.view(batch, outputs, channels, height, width)
    position = position_attention.view(batch, kernel_size, kernel_size, height, width)
    sample = sample_attention.view(batch, num_samples, num_samples, height, width)
    center, middle = kernel_size // 2, num_samples // 2
    fused = 0
    for alpha in range(num_samples):
        for beta in range(num_samples):
            filtered = 0
            for j in range(kernel_size):
                for i in range(kernel_size):
                    dy = sample_stride * (alpha - middle) + j - center
                    dx = sample_stride * (beta - middle) + i - center
                    kernel = spatial[:, :, None, j, i].expand_as(channel)
                    if j == i == center:
                        kernel = kernel + channel + 1 / channels
                    taps = (kernel * shift_with_zeros(feature, dy, dx)[:, None]).sum(2)
                    filtered = filtered + (1 + position[:, None, j, i]) * taps
            fused = fused + (1 + sample[:, None, alpha, beta]) * filtered
    return fused / num_samples**2


def naive_pool_samples(feature, attention, *, num_samples, sample_stride):
    """One position at a time."""
    height, width = feature.shape[-2:]
    out = torch.zeros_like(feature)
    for y in range(height):
        for x in range(width):
            for index in range(num_samples**2):
                row = y + sample_stride * (index // num_samples - num_samples // 2)
                column = x + sample_stride * (index % num_samples - num_samples // 2)
                if 0 <= row < height and 0 <= column < width:
                    out[:, :, y, x] += attention[:, index, y, x, None] * feature[:, :, row, column]
    return out
