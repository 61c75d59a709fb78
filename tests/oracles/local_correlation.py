"""Local correlation and the kernel-soft-argmax, one cell and one displacement at a time."""

import itertools
import math

import torch


def local_correlation(feat1, feat2, max_displacement, dilation=1):
    count, _, height, width = feat1.shape
    size = 2 * max_displacement + 1
    rows = []
    for dy in range(-max_displacement, max_displacement + 1):
        for dx in range(-max_displacement, max_displacement + 1):
            scores = feat1.new_zeros(count, height, width)
            for y in range(height):
                for x in range(width):
                    there_y, there_x = y + dy * dilation, x + dx * dilation
                    if 0 <= there_y < height and 0 <= there_x < width:
                        scores[:, y, x] = (feat1[:, :, y, x] * feat2[:, :, there_y, there_x]).sum(1)
            rows.append(scores)
    return torch.stack(rows, dim=1).unflatten(1, (size, size))


def patch_correlation(feat1, feat2, max_displacement, *, dilation, kernel_size, stride, padding):
    """Definition of spatial-correlation-sampler's C++ code: a patch of each map, cells outside of either are zero."""
    count, _, height, width = feat1.shape
    size = 2 * max_displacement + 1
    rows = (height + 2 * padding - kernel_size) // stride + 1
    columns = (width + 2 * padding - kernel_size) // stride + 1
    out = feat1.new_zeros(count, size, size, rows, columns)

    def inside(y, x):
        return 0 <= y < height and 0 <= x < width

    for dy, dx, row, column, i, j in itertools.product(
        range(size), range(size), range(rows), range(columns), range(kernel_size), range(kernel_size)
    ):
        y, x = row * stride - padding + i, column * stride - padding + j
        there_y, there_x = y + (dy - max_displacement) * dilation, x + (dx - max_displacement) * dilation
        if inside(y, x) and inside(there_y, there_x):
            out[:, dy, dx, row, column] += (feat1[:, :, y, x] * feat2[:, :, there_y, there_x]).sum(1)
    return out


def kernel_soft_argmax(scores, sigma, temperature):
    """``scores (P, P)`` of one cell, as nested lists: displacement (x, y) and confidence."""
    size = len(scores)
    radius = size // 2
    cells = [(scores[row][column], row, column) for row in range(size) for column in range(size)]
    confidence, top, left = max(cells, key=lambda cell: cell[0])
    weighted = []
    for score, row, column in cells:
        distance = (row - top) ** 2 + (column - left) ** 2
        kernel = 1.0 if sigma is None else math.exp(-distance / (2 * sigma**2))
        weighted.append((kernel * score / temperature, row, column))
    highest = max(value for value, _, _ in weighted)
    total = sum(math.exp(value - highest) for value, _, _ in weighted)
    x = sum(math.exp(value - highest) / total * (column - radius) for value, _, column in weighted)
    y = sum(math.exp(value - highest) / total * (row - radius) for value, row, _ in weighted)
    return (x, y), confidence
