"""The three residual blocks of Pseudo-3D networks: a bottleneck whose 3x3x3 convolution is split into space and time.

"Learning Spatio-Temporal Representation with Pseudo-3D Residual Networks", https://arxiv.org/abs/1711.10305, section
3.2 and figure 3. With ``S`` (1x3x3) and ``T`` (3x1x1), each followed by norm and ReLU:

- A, one after the other: ``T(S(x))``;
- B, side by side: ``S(x) + T(x)``;
- C, both: ``S(x) + T(S(x))``.
"""

from typing import ClassVar

from torch import Tensor, nn

from mmvidext.layers.video_block import Norm, conv_norm

__all__ = ['Pseudo3dBlock']


class Pseudo3dBlock(nn.Module):
    """A bottleneck with a shortcut: ``relu(expand(space_time(relu(reduce(x)))) + shortcut(x))``.

    Args:
        in_channels: Channels of the input.
        channels: Channels inside the bottleneck. The output has four times as many.
        kind: ``'A'``, ``'B'`` or ``'C'``. None is ``S(x)`` alone, as in the last stage.
        norm: Builds the norm of C channels.
        stride: Spatial stride of the first 1x1x1 convolution and of the shortcut. Time is never strided.
    """

    expansion: ClassVar[int] = 4

    def __init__(self, in_channels: int, channels: int, *, kind: str | None, norm: Norm, stride: int = 1) -> None:
        super().__init__()
        out_channels, strides = channels * self.expansion, (1, stride, stride)
        self.kind = kind
        self.reduce = conv_norm(in_channels, channels, (1, 1, 1), norm=norm, stride=strides)
        self.spatial = conv_norm(channels, channels, (1, 3, 3), norm=norm)
        self.temporal = conv_norm(channels, channels, (3, 1, 1), norm=norm) if kind is not None else None
        self.expand = conv_norm(channels, out_channels, (1, 1, 1), norm=norm)
        self.relu = nn.ReLU()
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.downsample = conv_norm(in_channels, out_channels, (1, 1, 1), norm=norm, stride=strides)

    def space_time(self, x: Tensor) -> Tensor:
        """Combine ``S`` and ``T`` as this kind of block does, ``(N, channels, T, H, W)`` to the same."""
        in_space = self.relu(self.spatial(x))
        if self.temporal is None:
            return in_space
        in_time = self.relu(self.temporal(x if self.kind == 'B' else in_space))
        return in_time if self.kind == 'A' else in_space + in_time

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, in_channels, T, H, W)`` to ``(N, 4 * channels, T, H', W')``."""
        return self.relu(self.expand(self.space_time(self.relu(self.reduce(x)))) + self.downsample(x))
