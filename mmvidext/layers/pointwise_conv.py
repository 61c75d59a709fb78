"""1x1 convolution."""

import torch
from torch import Tensor, nn

__all__ = ['PointwiseConv2d']


class PointwiseConv2d(nn.Conv2d):
    """A 1x1 convolution without bias, as a matrix product where that is the faster way.

    For a contiguous map on a CPU, torch's convolution first reorders its input and then its output: the product needs
    neither and takes about half the time.

    Args:
        in_channels: C of the input ``(N, C, H, W)``.
        out_channels: C of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C', H, W)``."""
        if x.device.type != 'cpu' or not x.is_contiguous() or torch.compiler.is_compiling():
            return super().forward(x)
        weight = self.weight.flatten(1).expand(x.shape[0], -1, -1)  # (N, C', C)
        return torch.bmm(weight, x.flatten(2)).unflatten(2, x.shape[2:])
