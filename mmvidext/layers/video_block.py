"""Residual blocks of a video network, built from any of the convolutions in :mod:`mmvidext.layers.video_conv`.

Parameter names are those of torchvision's video networks, so that their checkpoints and those of VMZ's PyTorch release
fit. The shortcut is a plain 1x1x1 convolution and a norm, never factorised, as in the official code.
"""

from typing import Any, ClassVar

from torch import Tensor, nn

from mmvidext.layers.video_conv import Conv2Plus1d, VideoConv, factorized_mid_channels, make_norm

__all__ = ['VideoBasicBlock', 'VideoBottleneck']


def _shared_mid_channels(conv: type[VideoConv], in_channels: int, channels: int, midplanes: str) -> int | None:
    """Return the one width for all (2+1)D convolutions of a block, or None where each follows from its own size."""
    if midplanes == 'per_block' and issubclass(conv, Conv2Plus1d):
        return factorized_mid_channels(in_channels, channels)
    return None


def _shortcut(
    in_channels: int, out_channels: int, stride: tuple[int, int], norm_cfg: dict[str, Any] | None
) -> nn.Sequential | None:
    if stride == (1, 1) and in_channels == out_channels:
        return None
    strides = (stride[0], stride[1], stride[1])
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, 1, strides, bias=False), make_norm(out_channels, norm_cfg)
    )


class VideoBasicBlock(nn.Module):
    """Two convolutions (depths 18 and 34).

    Args:
        in_channels: Channels of the input ``(N, C, T, H, W)``.
        channels: Channels of both convolutions and of the output.
        conv: One of the classes in :mod:`mmvidext.layers.video_conv`.
        stride: Temporal and spatial stride, of the first convolution and the shortcut.
        midplanes: ``'per_conv'`` or ``'per_block'``, see :class:`mmvidext.models.backbones.VideoResNet`.
        norm_cfg: Norm; None is batch norm with epsilon 1e-3.
    """

    expansion: ClassVar[int] = 1

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        conv: type[VideoConv],
        stride: tuple[int, int] = (1, 1),
        midplanes: str = 'per_conv',
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        mid = _shared_mid_channels(conv, in_channels, channels, midplanes)
        self.conv1 = nn.Sequential(
            conv(in_channels, channels, stride=stride, mid_channels=mid, norm_cfg=norm_cfg),
            make_norm(channels, norm_cfg),
            nn.ReLU(inplace=True),
        )
        self.conv2 = nn.Sequential(
            conv(channels, channels, mid_channels=mid, norm_cfg=norm_cfg), make_norm(channels, norm_cfg)
        )
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(in_channels, channels, stride, norm_cfg)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``relu(residual(x) + shortcut(x))``."""
        out = self.conv2(self.conv1(x))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class VideoBottleneck(nn.Module):
    """1x1x1, a video convolution, 1x1x1 (depths 50, 101 and 152).

    Args:
        in_channels: Channels of the input ``(N, C, T, H, W)``.
        channels: Channels of the convolution in the middle; the output has four times as many.
        conv: One of the classes in :mod:`mmvidext.layers.video_conv`.
        stride: Temporal and spatial stride, of the convolution in the middle and the shortcut.
        midplanes: ``'per_conv'`` or ``'per_block'``, see :class:`mmvidext.models.backbones.VideoResNet`.
        norm_cfg: Norm; None is batch norm with epsilon 1e-3.
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        conv: type[VideoConv],
        stride: tuple[int, int] = (1, 1),
        midplanes: str = 'per_conv',
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        out_channels = channels * self.expansion
        mid = _shared_mid_channels(conv, in_channels, channels, midplanes)
        self.conv1 = nn.Sequential(
            nn.Conv3d(in_channels, channels, 1, bias=False), make_norm(channels, norm_cfg), nn.ReLU(inplace=True)
        )
        self.conv2 = nn.Sequential(
            conv(channels, channels, stride=stride, mid_channels=mid, norm_cfg=norm_cfg),
            make_norm(channels, norm_cfg),
            nn.ReLU(inplace=True),
        )
        self.conv3 = nn.Sequential(nn.Conv3d(channels, out_channels, 1, bias=False), make_norm(out_channels, norm_cfg))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(in_channels, out_channels, stride, norm_cfg)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``relu(residual(x) + shortcut(x))``."""
        out = self.conv3(self.conv2(self.conv1(x)))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)
