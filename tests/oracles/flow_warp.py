"""Bilinear backward warp, pixel by pixel."""

import math

import torch


def flow_warp(feature, flow, *, padding_mode='zeros'):
    num, channels, height, width = feature.shape
    out = torch.zeros(num, channels, height, width, dtype=feature.dtype)
    for n in range(num):
        for row in range(height):
            for column in range(width):
                x, y = column + flow[n, 0, row, column].item(), row + flow[n, 1, row, column].item()
                if padding_mode == 'border':
                    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
                for corner_y in (math.floor(y), math.floor(y) + 1):
                    for corner_x in (math.floor(x), math.floor(x) + 1):
                        if 0 <= corner_x < width and 0 <= corner_y < height:
                            weight = (1 - abs(x - corner_x)) * (1 - abs(y - corner_y))
                            if weight != 0:  # what has no weight does not count, were it infinite
                                out[n, :, row, column] += weight * feature[n, :, corner_y, corner_x]
    return out
