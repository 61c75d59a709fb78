"""The three ways in which a residual block of a video network convolves: 3x3x3, 1x3x3 and 3x3x3 factorised as (2+1)D.

They share one call, ``conv(in_channels, out_channels, stride=(t, s), mid_channels=None, norm_cfg=None)``, so that a
block can be built from any of them. See "A Closer Look at Spatiotemporal Convolutions for Action Recognition",
https://arxiv.org/abs/1711.11248, section 3. All three hold 5-D weights and read ``(N, C, T, H, W)``.
"""

from typing import Any, ClassVar

from mmcv.cnn import build_norm_layer
from torch import nn

__all__ = ['Conv2Plus1d', 'FullConv3d', 'SpatialConv3d', 'VideoConv', 'factorized_mid_channels', 'make_norm']


def make_norm(num_features: int, norm_cfg: dict[str, Any] | None = None) -> nn.Module:
    """Build a normalisation layer; without a config, batch norm with the epsilon of the official code, 1e-3."""
    return build_norm_layer(norm_cfg or dict(type='BN3d', eps=1e-3), num_features)[1]


def factorized_mid_channels(in_channels: int, out_channels: int) -> int:
    """Return the width between the two halves of a (2+1)D convolution.

    The largest one with which the pair has no more parameters than the 3x3x3 convolution that it replaces
    (section 3.5 of the paper, ``M_i`` for ``t = d = 3``).

    Example:
        >>> factorized_mid_channels(64, 128)
        230
    """
    return 27 * in_channels * out_channels // (9 * in_channels + 3 * out_channels)


class FullConv3d(nn.Conv3d):
    """A 3x3x3 convolution without bias, padded to keep the size.

    Args:
        in_channels: Channels of the input ``(N, C, T, H, W)``.
        out_channels: Channels of the output.
        stride: Temporal and spatial stride.
        mid_channels: Must be None: there is nothing in between.
        norm_cfg: Not needed here; part of the call that all video convolutions share.
    """

    temporal: ClassVar[bool] = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: tuple[int, int] = (1, 1),
        mid_channels: int | None = None,
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        _refuse_mid_channels(self, mid_channels)
        super().__init__(in_channels, out_channels, 3, stride=(stride[0], stride[1], stride[1]), padding=1, bias=False)


class SpatialConv3d(nn.Conv3d):
    """A 1x3x3 convolution without bias: each frame for itself. Its temporal stride is always 1.

    Args:
        in_channels: Channels of the input ``(N, C, T, H, W)``.
        out_channels: Channels of the output.
        stride: Temporal stride, which must be 1, and spatial stride.
        mid_channels: Must be None: there is nothing in between.
        norm_cfg: Not needed here; part of the call that all video convolutions share.

    Raises:
        ValueError: If the temporal stride is not 1.
    """

    temporal: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: tuple[int, int] = (1, 1),
        mid_channels: int | None = None,
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        _refuse_mid_channels(self, mid_channels)
        if stride[0] != 1:
            raise ValueError(f'a 1x3x3 convolution keeps every frame: its temporal stride must be 1, not {stride[0]}')
        super().__init__(
            in_channels, out_channels, (1, 3, 3), stride=(1, stride[1], stride[1]), padding=(0, 1, 1), bias=False
        )


class Conv2Plus1d(nn.Sequential):
    """A 3x3x3 convolution factorised: 1x3x3, norm, ReLU, then 3x1x1. The norm that follows belongs to the block.

    Args:
        in_channels: Channels of the input ``(N, C, T, H, W)``.
        out_channels: Channels of the output.
        stride: Temporal stride, of the second half, and spatial stride, of the first.
        mid_channels: Width in between. None follows the paper for this convolution by itself
            (:func:`factorized_mid_channels`); torchvision takes one width for both convolutions of a block.
        norm_cfg: Norm in between; None is batch norm with epsilon 1e-3.
    """

    temporal: ClassVar[bool] = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: tuple[int, int] = (1, 1),
        mid_channels: int | None = None,
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        if mid_channels is None:
            mid_channels = factorized_mid_channels(in_channels, out_channels)
        time, space = stride
        super().__init__(
            nn.Conv3d(in_channels, mid_channels, (1, 3, 3), (1, space, space), (0, 1, 1), bias=False),
            make_norm(mid_channels, norm_cfg),
            nn.ReLU(inplace=True),
            nn.Conv3d(mid_channels, out_channels, (3, 1, 1), (time, 1, 1), (1, 0, 0), bias=False),
        )


VideoConv = FullConv3d | SpatialConv3d | Conv2Plus1d


def _refuse_mid_channels(conv: nn.Module, mid_channels: int | None) -> None:
    if mid_channels is not None:
        raise ValueError(f'{type(conv).__name__} is not factorised: mid_channels must be None, not {mid_channels}')
