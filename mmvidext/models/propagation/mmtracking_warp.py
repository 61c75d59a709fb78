"""The warp of mmtracking's Deep Feature Flow, for its checkpoints."""

import torch
from torch import Tensor

from mmvidext.ops import flow_warp

__all__ = ['mmtracking_warp']


def mmtracking_warp(feature: Tensor, flow: Tensor) -> Tensor:
    """Warp as mmtracking's ``flow_warp_feats`` does, with which its networks were trained.

    Positions are divided by the width and height of the map and then read as if by these less 1, so that they shrink
    by ``(size - 1) / size``: zero flow is not the identity. Beyond the map is its border.

    Args:
        feature: ``(N, C, H, W)``.
        flow: ``(N, 2, H, W)``, in pixels of ``feature``, order ``(x, y)``.

    Returns:
        ``(N, C, H, W)``.
    """
    height, width = feature.shape[-2:]
    x = torch.arange(width, dtype=flow.dtype, device=flow.device) + flow[:, 0]
    y = torch.arange(height, dtype=flow.dtype, device=flow.device).unsqueeze(1) + flow[:, 1]
    shrunk = torch.stack((flow[:, 0] - x / width, flow[:, 1] - y / height), dim=1)
    return flow_warp(feature, shrunk, padding_mode='border')
