"""RoIAlign and position-sensitive RoI pooling, bin by bin and sample by sample."""

import math

import torch


def bilinear(feature, y, x):
    """Sample ``(C, H, W)`` at one point: zero more than a pixel outside, and the border up to there."""
    height, width = feature.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return torch.zeros(len(feature), dtype=feature.dtype)
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = math.floor(y), math.floor(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    upper = (1 - (x - left)) * feature[:, top, left] + (x - left) * feature[:, top, right]
    lower = (1 - (x - left)) * feature[:, bottom, left] + (x - left) * feature[:, bottom, right]
    return (1 - (y - top)) * upper + (y - top) * lower


def roi_align(feature, rois, size, *, spatial_scale=1.0, sampling_ratio=0, aligned=True):
    out = torch.zeros(len(rois), feature.shape[1], *size, dtype=feature.dtype)
    for k, (image, *corners) in enumerate(rois.tolist()):
        x1, y1, x2, y2 = (corner * spatial_scale - (0.5 if aligned else 0) for corner in corners)
        width, height = x2 - x1, y2 - y1
        if not aligned:
            width, height = max(width, 1), max(height, 1)
        bin_height, bin_width = height / size[0], width / size[1]
        samples_y = sampling_ratio or max(math.ceil(bin_height), 0)
        samples_x = sampling_ratio or max(math.ceil(bin_width), 0)
        for row in range(size[0]):
            for column in range(size[1]):
                for j in range(samples_y):
                    for i in range(samples_x):
                        y = y1 + row * bin_height + (j + 0.5) * bin_height / samples_y
                        x = x1 + column * bin_width + (i + 0.5) * bin_width / samples_x
                        out[k, :, row, column] += bilinear(feature[int(image)], y, x) / (samples_y * samples_x)
    return out


def round_half_away(value):
    return math.copysign(math.floor(abs(value) + 0.5), value)


def ps_roi_pool(feature, rois, size, *, spatial_scale=1.0):
    height, width = feature.shape[2:]
    classes = feature.shape[1] // size**2
    out = torch.zeros(len(rois), classes, size, size, dtype=feature.dtype)
    for k, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        start_x, start_y = round_half_away(x1) * spatial_scale, round_half_away(y1) * spatial_scale
        bin_width = max((round_half_away(x2) + 1) * spatial_scale - start_x, 0.1) / size
        bin_height = max((round_half_away(y2) + 1) * spatial_scale - start_y, 0.1) / size
        for row in range(size):
            for column in range(size):
                top = min(max(math.floor(row * bin_height + start_y), 0), height)
                bottom = min(max(math.ceil((row + 1) * bin_height + start_y), 0), height)
                left = min(max(math.floor(column * bin_width + start_x), 0), width)
                right = min(max(math.ceil((column + 1) * bin_width + start_x), 0), width)
                if bottom <= top or right <= left:
                    continue
                for c in range(classes):
                    plane = feature[int(image), (c * size + row) * size + column]
                    out[k, c, row, column] = plane[top:bottom, left:right].mean()
    return out
