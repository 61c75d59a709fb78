"""Temporal interlacing, one element at a time, from the definition: out[t + s] += part of in[t]."""

import math

import torch


def naive_temporal_interlace(x, offsets, weights, num_segments):
    frames, channels = x.shape[:2]
    groups = offsets.shape[1]
    out = torch.zeros_like(x)
    for n in range(frames // num_segments):
        for c in range(channels):
            g = c // (channels // groups)
            offset = offsets[n, g].item()
            low = math.floor(offset)
            for shift, part in [(low, 1 - (offset - low)), (low + 1, offset - low)]:
                for t in range(num_segments):
                    if 0 <= t + shift < num_segments and part != 0:  # no share, were it infinite
                        out[n * num_segments + t + shift, c] += part * x[n * num_segments + t, c]
            for t in range(num_segments):
                out[n * num_segments + t, c] *= weights[n, t, g].item()
    return out
