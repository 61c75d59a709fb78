"""Propagate maps of the key frame to another frame: flow, warp and scale of Deep Feature Flow."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvidext.checkpoints import check_settings
from mmvidext.models.propagation.flow_input import FlowInput
from mmvidext.models.propagation.flow_network import FlowNetwork
from mmvidext.models.propagation.map_stride import map_stride
from mmvidext.models.propagation.mmtracking_warp import mmtracking_warp
from mmvidext.ops import flow_warp
from mmvidext.registry import MODELS

__all__ = ['FeatureFlow', 'KeyFrame', 'Motion']

_WARPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {'official': flow_warp, 'mmtracking': mmtracking_warp}


class KeyFrame(NamedTuple):
    """All that is kept of a key frame.

    Attributes:
        flow_frame: ``(N, 3, h, w)``, the half-size frame for the flow network.
        maps: What is propagated, ``(N, C, H, W)`` each.
    """

    flow_frame: Tensor
    maps: tuple[Tensor, ...]


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
        flow_input: Arguments of :class:`~mmvidext.models.propagation.FlowInput`.
        warp_form: ``'official'``, or ``'mmtracking'`` for its checkpoints: the flow is predicted on the flow network's
            own grid and averaged down, not its feature, and the warp is
            :func:`~mmvidext.models.propagation.mmtracking_warp.mmtracking_warp`.

    Raises:
        ValueError: If the flow network is no :class:`~mmvidext.models.propagation.FlowNetwork`, or ``warp_form`` is
            neither of the two.
    """

    def __init__(
        self,
        flow_net: dict[str, Any],
        channels: Sequence[int],
        *,
        scale_map: bool = True,
        flow_input: dict[str, Any] | None = None,
        warp_form: Literal['official', 'mmtracking'] = 'official',
    ) -> None:
        super().__init__()
        if warp_form not in _WARPS:
            raise ValueError(f'warp_form must be one of {tuple(_WARPS)}, but got {warp_form!r}')
        self.warp_form = warp_form
        self.flow_input = FlowInput(**(flow_input or {}))
        self.flow_net = MODELS.build(flow_net)
        if not isinstance(self.flow_net, FlowNetwork):
            raise ValueError(
                f'flow_net must have feature_channels, feature_stride and estimate_at_stride, as FlowNetS has, but '
                f'{type(self.flow_net).__name__} has not'
            )
        self.scale_convs = nn.ModuleList()
        if scale_map:
            for num_channels in channels:
                conv = nn.Conv2d(self.flow_net.feature_channels, num_channels, 1, bias=False)
                nn.init.zeros_(conv.weight)
                self.scale_convs.append(conv)

    def init_weights(self) -> None:
        """Initialize the flow network, from a file if it names one.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it does not fit, or ``flow_input`` is not what the official network takes.
        """
        super().init_weights()
        check_settings(self, getattr(self.flow_net, 'origin', None))

    def estimate(self, current: Tensor, key: Tensor, *, maps: Sequence[Tensor]) -> Motion:
        """Estimate the motion from the current frame back to the key frame.

        Args:
            current: ``(N, 3, h, w)``, prepared by ``flow_input``.
            key: The key frame, likewise.
            maps: What will be warped, ``(N, C, H, W)`` each. The flow is predicted at the resolution of the finest map,
                or at the flow network's own if that is coarser.
        """
        size = (current.shape[-2], current.shape[-1])
        finest = self.flow_net.feature_stride
        height = min(map_stride(size, (feature.shape[-2], feature.shape[-1]))[0] for feature in maps)
        stride = finest if self.warp_form == 'mmtracking' else max(finest, round(height / finest) * finest)
        flow, feature = self.flow_net.estimate_at_stride(current, key, stride=stride)
        return Motion(flow, feature, size)

    def warp(self, feature: Tensor, motion: Motion) -> Tensor:
        """Warp one map ``(N, C, H, W)`` of the key frame, whatever its stride, without scale."""
        size = (feature.shape[-2], feature.shape[-1])
        flow = motion.flow
        if flow.shape[-2:] != size:
            flow = F.interpolate(flow, size, mode='bilinear', align_corners=False)
        stride_y, stride_x = map_stride(motion.frame_size, size)
        flow = (
            flow / stride_x if stride_x == stride_y else torch.stack((flow[:, 0] / stride_x, flow[:, 1] / stride_y), 1)
        )
        return _WARPS[self.warp_form](feature, flow)

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
