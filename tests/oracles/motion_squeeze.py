"""MotionSqueeze from the formulas of the official definition, cell by cell where it matters.

Takes the weights by role, so it shares neither modules nor names with the package.
"""

import torch
import torch.nn.functional as F

from tests.oracles.local_correlation import kernel_soft_argmax, local_correlation


def _norm_relu(x, norm):
    mean, var, weight, bias = (norm[name].view(1, -1, 1, 1) for name in ('mean', 'var', 'weight', 'bias'))
    return torch.clamp((x - mean) / torch.sqrt(var + 1e-5) * weight + bias, min=0)


def estimate_motion(x, weights, num_segments, displacement, sigma, temperature):
    """``x (N*T, C, H, W)`` to ``(N, T-1, 3, H, W)``."""
    reduced = _norm_relu(F.conv2d(x, weights['reduction']), weights['reduction_norm'])
    unit = reduced / torch.sqrt((reduced**2).sum(1, keepdim=True) + 1e-6)
    clips = unit.reshape(-1, num_segments, *unit.shape[1:])
    height, width = x.shape[2:]
    motion = x.new_zeros(len(clips), num_segments - 1, 3, height, width)
    for n in range(len(clips)):
        for t in range(num_segments - 1):
            scores = torch.clamp(local_correlation(clips[n, t][None], clips[n, t + 1][None], displacement), min=0)[0]
            for row in range(height):
                for column in range(width):
                    (dx, dy), confidence = kernel_soft_argmax(scores[:, :, row, column].tolist(), sigma, temperature)
                    motion[n, t, 0, row, column] = dx / displacement
                    motion[n, t, 1, row, column] = dy / displacement
                    motion[n, t, 2, row, column] = confidence
    return motion


def motion_squeeze(x, weights, num_segments, displacement, sigma, temperature):
    """``x (N*T, C, H, W)`` plus its motion features."""
    motion = estimate_motion(x, weights, num_segments, displacement, sigma, temperature)
    motion = torch.cat([motion, motion[:, -1:]], dim=1).flatten(0, 1)
    for layer in weights['refinement']:
        depthwise = layer['depthwise']
        motion = F.conv2d(motion, depthwise, padding=depthwise.shape[-1] // 2, groups=len(depthwise))
        motion = _norm_relu(motion, layer['depthwise_norm'])
        motion = _norm_relu(F.conv2d(motion, layer['pointwise']), layer['pointwise_norm'])
    return x + motion
