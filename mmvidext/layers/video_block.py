"""Stems, convolutions and residual blocks of the R(2+1)D family.

"A Closer Look at Spatiotemporal Convolutions for Action Recognition", https://arxiv.org/abs/1711.11248. Everything
maps ``(N, C, T, H, W)`` to ``(N, C', T', H', W')``; convolutions have no bias; strides are ``(time, height, width)``.
Parameter names are those of torchvision's video networks and of VMZ's PyTorch release.

A network chooses a stem and, for each stage, a convolution, and passes them in as functions: ``stem(in_channels,
out_channels, norm=norm)``, ``conv(in_channels, out_channels, stride=stride)`` and ``norm(channels)``.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

__all__ = [
    'VideoBasicBlock',
    'VideoBottleneck',
    'basic_stem',
    'conv1x3x3',
    'conv2plus1d',
    'conv3x3x3',
    'conv_norm',
    'factorized_mid_channels',
    'factorized_stem',
    'make_norm',
]

Stride = tuple[int, int, int]
Conv = Callable[..., nn.Module]
Norm = Callable[[int], nn.Module]


def make_norm(norm_cfg: dict[str, Any], channels: int) -> nn.Module:
    """Return the norm of an mmcv config such as ``dict(type='BN3d')``; ``partial(make_norm, cfg)`` is a ``norm``."""
    return build_norm_layer(norm_cfg, channels)[1]


def factorized_mid_channels(in_channels: int, out_channels: int) -> int:
    """Return the width M between the two halves of a (2+1)D convolution (section 3.5 of the paper, t = d = 3).

    ``M = floor(27 * N_in * N_out / (9 * N_in + 3 * N_out))``: the pair has as many parameters as a 3x3x3 convolution.

    Example:
        >>> factorized_mid_channels(64, 128)
        230
    """
    return 27 * in_channels * out_channels // (9 * in_channels + 3 * out_channels)


def conv3x3x3(in_channels: int, out_channels: int, *, stride: Stride = (1, 1, 1)) -> nn.Conv3d:
    """Return the convolution of R3D: space and time at once."""
    return nn.Conv3d(in_channels, out_channels, 3, stride, 1, bias=False)


def conv1x3x3(in_channels: int, out_channels: int, *, stride: Stride = (1, 1, 1)) -> nn.Conv3d:
    """Return the convolution of R2D: each frame separately."""
    return nn.Conv3d(in_channels, out_channels, (1, 3, 3), stride, (0, 1, 1), bias=False)


def conv2plus1d(
    in_channels: int, out_channels: int, *, norm: Norm, stride: Stride = (1, 1, 1), mid_channels: int | None = None
) -> nn.Sequential:
    """Return the convolution of R(2+1)D: 1x3x3 over space, norm, ReLU, 3x1x1 over time.

    ``mid_channels`` is the width in between, :func:`factorized_mid_channels` of this convolution by default.
    """
    mid_channels = mid_channels or factorized_mid_channels(in_channels, out_channels)
    return nn.Sequential(
        nn.Conv3d(in_channels, mid_channels, (1, 3, 3), (1, *stride[1:]), (0, 1, 1), bias=False),
        norm(mid_channels),
        nn.ReLU(),
        nn.Conv3d(mid_channels, out_channels, (3, 1, 1), (stride[0], 1, 1), (1, 0, 0), bias=False),
    )


def conv_norm(
    in_channels: int, out_channels: int, kernel: tuple[int, int, int], *, norm: Norm, stride: Stride = (1, 1, 1)
) -> nn.Sequential:
    """Return a convolution with an odd kernel, padded to keep the size, and its norm."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(nn.Conv3d(in_channels, out_channels, kernel, stride, padding, bias=False), norm(out_channels))


def basic_stem(
    in_channels: int, out_channels: int, *, norm: Norm, frames: int, temporal_padding: int = 0
) -> nn.Sequential:
    """Return a ``frames`` x 7 x 7 convolution with spatial stride 2, norm and ReLU.

    One frame is the stem of f-R2D and rMCx, three with padding 1 that of R3D and MCx. All frames of the clip make the
    stem of R2D: one frame comes out, as if the frames were channels of an image.
    """
    padding = (temporal_padding, 3, 3)
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, (frames, 7, 7), (1, 2, 2), padding, bias=False),
        norm(out_channels),
        nn.ReLU(),
    )


def factorized_stem(in_channels: int, out_channels: int, *, norm: Norm, mid_channels: int = 45) -> nn.Sequential:
    """Return the stem of R(2+1)D: 1x7x7 with spatial stride 2, norm, ReLU, 3x1x1, norm, ReLU.

    The width in between is a constant of VMZ and torchvision. The paper's formula would give 83.
    """
    return nn.Sequential(
        *conv_norm(in_channels, mid_channels, (1, 7, 7), norm=norm, stride=(1, 2, 2)),
        nn.ReLU(),
        *conv_norm(mid_channels, out_channels, (3, 1, 1), norm=norm),
        nn.ReLU(),
    )


def _shortcut(in_channels: int, out_channels: int, norm: Norm, stride: Stride) -> nn.Module:
    """Return the identity where the shapes agree, else a plain 1x1x1 convolution and norm (never factorized)."""
    if stride == (1, 1, 1) and in_channels == out_channels:
        return nn.Identity()
    return conv_norm(in_channels, out_channels, (1, 1, 1), norm=norm, stride=stride)


class VideoBasicBlock(nn.Module):
    """Two convolutions with a shortcut (depths 18 and 34): ``relu(conv2(conv1(x)) + shortcut(x))``.

    Args:
        in_channels: Channels of the input.
        channels: Channels of both convolutions and of the output.
        conv: Builds the convolutions.
        norm: Builds the norms.
        stride: Stride of the first convolution and of the shortcut.
    """

    expansion: ClassVar[int] = 1

    def __init__(self, in_channels: int, channels: int, *, conv: Conv, norm: Norm, stride: Stride = (1, 1, 1)) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(conv(in_channels, channels, stride=stride), norm(channels), nn.ReLU())
        self.conv2 = nn.Sequential(conv(channels, channels), norm(channels))
        self.relu = nn.ReLU()
        self.downsample = _shortcut(in_channels, channels, norm, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, in_channels, T, H, W)`` to ``(N, channels, T', H', W')``."""
        return self.relu(self.conv2(self.conv1(x)) + self.downsample(x))


class VideoBottleneck(nn.Module):
    """1x1x1, a convolution, 1x1x1, with a shortcut (depths 50, 101 and 152).

    ``relu(conv3(conv2(conv1(x))) + shortcut(x))``.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the convolution in the middle. The output has four times as many.
        conv: Builds the convolution in the middle.
        norm: Builds the norms.
        stride: Stride of the convolution in the middle and of the shortcut.
    """

    expansion: ClassVar[int] = 4

    def __init__(self, in_channels: int, channels: int, *, conv: Conv, norm: Norm, stride: Stride = (1, 1, 1)) -> None:
        super().__init__()
        out_channels = channels * self.expansion
        self.conv1 = nn.Sequential(*conv_norm(in_channels, channels, (1, 1, 1), norm=norm), nn.ReLU())
        self.conv2 = nn.Sequential(conv(channels, channels, stride=stride), norm(channels), nn.ReLU())
        self.conv3 = conv_norm(channels, out_channels, (1, 1, 1), norm=norm)
        self.relu = nn.ReLU()
        self.downsample = _shortcut(in_channels, out_channels, norm, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, in_channels, T, H, W)`` to ``(N, 4 * channels, T', H', W')``."""
        return self.relu(self.conv3(self.conv2(self.conv1(x))) + self.downsample(x))
