"""Propagate maps of the key frame to another frame: flow, warp and scale of Deep Feature Flow."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvidext.models.segmentors.flow_input import FlowInput
from mmvidext.ops import flow_warp
from mmvidext.registry import MODELS

__all__ = ['FeatureFlow', 'Motion']


class Motion(NamedTuple):
    """What the flow network says about a pair of frames.

    Attributes:
        flow: ``(N, 2, h, w)``, from the current frame into the key frame, in pixels of the half-size frames,
            ``(x, y)``.
        feature: ``(N, C, h, w)``, what the flow was predicted from; the scale map is read from it too.
        frame_size: Height and width of the half-size frames.
    """

    flow: Tensor
    feature: Tensor
    frame_size: tuple[int, int]


class FeatureFlow(BaseModule):
    """Deep Feature Flow's propagation function (Zhu et al., CVPR 2017, eqs. 3 and 4).

    ``out = warp(map, flow) * scale``. The scale is ``1 + conv1x1(feature)`` with weights that start at zero, so that it
    starts as plain warping: the official layer has a bias of 1 that is not trained.

    Args:
        flow_net: Config of the flow network.
        channels: Channels of each propagated map.
        scale_map: Learn the scale.
        flow_input: Arguments of :class:`~mmvidext.models.segmentors.flow_input.FlowInput`.
    """

    def __init__(
        self,
        flow_net: dict[str, Any],
        channels: Sequence[int],
        *,
        scale_map: bool = True,
        flow_input: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.flow_input = FlowInput(**(flow_input or {}))
        self.flow_net = MODELS.build(flow_net)
        self.scale_convs = nn.ModuleList()
        if scale_map:
            for num_channels in channels:
                conv = nn.Conv2d(self.flow_net.feature_channels, num_channels, 1, bias=False)
                nn.init.zeros_(conv.weight)
                self.scale_convs.append(conv)

    def estimate(self, current: Tensor, key: Tensor, *, map_height: int) -> Motion:
        """Estimate the motion from the current frame back to the key frame.

        Args:
            current: ``(N, 3, h, w)``, prepared by ``flow_input``.
            key: The key frame, likewise.
            map_height: Height of the finest map that will be warped: the flow is predicted at its resolution, or at a
                quarter of the half-size frames if the map is finer.
        """
        finest = self.flow_net.feature_stride
        stride = max(finest, round(current.shape[-2] / map_height / finest) * finest)
        flow, feature = self.flow_net.estimate_at_stride(current, key, stride=stride)
        return Motion(flow, feature, (current.shape[-2], current.shape[-1]))

    def warp(self, feature: Tensor, motion: Motion) -> Tensor:
        """Warp one map ``(N, C, H, W)`` of the key frame, whatever its stride, without scale."""
        size = (feature.shape[-2], feature.shape[-1])
        flow = motion.flow
        if flow.shape[-2:] != size:
            flow = F.interpolate(flow, size, mode='bilinear', align_corners=False)
        to_feature_pixels = flow.new_tensor([size[1] / motion.frame_size[1], size[0] / motion.frame_size[0]])
        return flow_warp(feature, flow * to_feature_pixels.view(1, 2, 1, 1))

    def forward(self, maps: Sequence[Tensor], motion: Motion) -> tuple[Tensor, ...]:
        """Propagate the maps of the key frame: warp, then scale."""
        warped = tuple(self.warp(feature, motion) for feature in maps)
        if not len(self.scale_convs):
            return warped
        return tuple(
            torch.addcmul(feature, feature, self._scale(conv, feature, motion))
            for conv, feature in zip(self.scale_convs, warped, strict=True)
        )

    @staticmethod
    def _scale(conv: nn.Module, feature: Tensor, motion: Motion) -> Tensor:
        """Return the scale minus 1, at the size of the feature."""
        scale = conv(motion.feature)
        if scale.shape[-2:] != feature.shape[-2:]:
            scale = F.interpolate(scale, feature.shape[-2:], mode='bilinear', align_corners=False)
        return scale
