"""The three residual blocks of Pseudo-3D networks: a bottleneck whose 3x3x3 convolution is split into space and time.

"Learning Spatio-Temporal Representation with Pseudo-3D Residual Networks", https://arxiv.org/abs/1711.10305, section
3.2 and figure 3. With ``S`` (1x3x3) and ``T`` (3x1x1), each followed by norm and ReLU:

- A, one after the other: ``T(S(x))``;
- B, side by side: ``S(x) + T(x)``;
- C, both: ``S(x) + T(S(x))``.
"""

from typing import Any, ClassVar

from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

__all__ = ['Pseudo3dBlock']


def _conv_norm(
    in_channels: int, out_channels: int, kernel: tuple[int, int, int], norm_cfg: dict[str, Any], *, stride: int = 1
) -> nn.Sequential:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, kernel, (1, stride, stride), padding, bias=False),
        build_norm_layer(norm_cfg, out_channels)[1],
    )


class Pseudo3dBlock(nn.Module):
    """One bottleneck of a Pseudo-3D network.

    Args:
        in_channels: Channels of the input ``(N, C, T, H, W)``.
        channels: Channels inside the bottleneck; the output has four times as many.
        kind: ``'A'``, ``'B'`` or ``'C'``; None leaves out time, as in the last stage.
        stride: Spatial stride, of the first 1x1x1 convolution and the shortcut. Time is never strided.
        norm_cfg: Norm of every layer.
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self, in_channels: int, channels: int, *, kind: str | None, stride: int = 1, norm_cfg: dict[str, Any]
    ) -> None:
        super().__init__()
        out_channels = channels * self.expansion
        self.kind = kind
        self.reduce = _conv_norm(in_channels, channels, (1, 1, 1), norm_cfg, stride=stride)
        self.spatial = _conv_norm(channels, channels, (1, 3, 3), norm_cfg)
        self.temporal = None if kind is None else _conv_norm(channels, channels, (3, 1, 1), norm_cfg)
        self.expand = _conv_norm(channels, out_channels, (1, 1, 1), norm_cfg)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = _conv_norm(in_channels, out_channels, (1, 1, 1), norm_cfg, stride=stride)

    def space_time(self, x: Tensor) -> Tensor:
        """Combine the spatial and the temporal convolution of ``x`` as this kind of block does."""
        in_space = self.relu(self.spatial(x))
        if self.temporal is None:
            return in_space
        in_time = self.relu(self.temporal(x if self.kind == 'B' else in_space))
        return in_time if self.kind == 'A' else in_space + in_time

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for ``x (N, C, T, H, W)``."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.expand(self.space_time(self.relu(self.reduce(x)))) + shortcut)
