"""Temporal shift, one element at a time."""

import torch


def temporal_shift(x, num_segments, shift_div, causal):
    frames, channels = x.shape[:2]
    fold = channels // shift_div
    out = torch.zeros_like(x)
    for frame in range(frames):
        t = frame % num_segments
        for channel in range(channels):
            if causal:
                offset = -1 if channel < fold else 0
            else:
                offset = 1 if channel < fold else -1 if channel < 2 * fold else 0
            if 0 <= t + offset < num_segments:
                out[frame, channel] = x[frame + offset, channel]
    return out
