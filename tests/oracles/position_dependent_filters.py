"""Deformable convolution, CARAFE and masked convolution, output pixel by output pixel."""

import math

import torch


def zero_padded_bilinear(plane, y, x):
    """Sample ``(H, W)`` between pixels, with zeros all around."""
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * plane[row, column]
    return total


def deform_conv2d(
    feature, offset, weight, mask=None, bias=None, *, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1
):
    out_channels, in_group, kernel_h, kernel_w = weight.shape
    num, channels = feature.shape[:2]
    offset_groups = offset.shape[1] // (2 * kernel_h * kernel_w)
    out = torch.zeros(num, out_channels, *offset.shape[2:], dtype=feature.dtype)
    for n, o, row, column in torch.ones_like(out).nonzero().tolist():
        total = 0.0 if bias is None else bias[o]
        for c in range(in_group):
            channel = o // (out_channels // groups) * in_group + c
            group = channel // (channels // offset_groups)
            for i in range(kernel_h):
                for j in range(kernel_w):
                    tap = (group * kernel_h + i) * kernel_w + j
                    y = row * stride[0] - padding[0] + i * dilation[0] + offset[n, 2 * tap, row, column].item()
                    x = column * stride[1] - padding[1] + j * dilation[1] + offset[n, 2 * tap + 1, row, column].item()
                    value = zero_padded_bilinear(feature[n, channel], y, x) * weight[o, c, i, j]
                    total = total + (value if mask is None else value * mask[n, tap, row, column])
        out[n, o, row, column] = total
    return out


def carafe(feature, kernels, *, kernel_size, groups, scale_factor):
    num, channels, height, width = feature.shape
    out = torch.zeros(num, channels, height * scale_factor, width * scale_factor, dtype=feature.dtype)
    for n, c, row, column in torch.ones_like(out).nonzero().tolist():
        group = c // (channels // groups)
        for i in range(kernel_size):
            for j in range(kernel_size):
                y, x = row // scale_factor + i - kernel_size // 2, column // scale_factor + j - kernel_size // 2
                if 0 <= y < height and 0 <= x < width:
                    factor = kernels[n, (group * kernel_size + i) * kernel_size + j, row, column]
                    out[n, c, row, column] += feature[n, c, y, x] * factor
    return out


def masked_conv2d(feature, mask, weight, bias, padding):
    out = torch.nn.functional.conv2d(feature, weight, bias, padding=padding)
    for n, row, column in (mask <= 0).nonzero().tolist():
        out[n, :, row, column] = 0
    return out
