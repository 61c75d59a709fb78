"""1x1 convolution as a matrix product, and any convolution as one with the batch norm behind it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvidext.ops._recording import is_recorded

__all__ = ['PointwiseConv2d', 'convolve_and_normalize']


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
        return _multiply(x, self.weight, self.bias)  # built without a bias; fusing a batch norm adds one


def convolve_and_normalize(x: Tensor, conv: nn.Conv2d, norm: nn.Module) -> Tensor:
    """Return ``norm(conv(x))``, in evaluation without gradients as one step.

    There the batch norm is a fixed factor and offset for each channel, which are folded into weight and bias: one map
    less to write and to read.

    Args:
        x: ``(N, C, H, W)``.
        conv: The convolution, padded with zeros; one with a bias is called as it is.
        norm: What follows it; anything but a plain batch norm is called as it is.
    """
    if is_recorded() or type(norm) is not nn.BatchNorm2d or norm.training or not norm.affine:
        return norm(conv(x))
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None or conv.bias is not None:  # None: statistics of the batch even here
        return norm(conv(x))
    factor = (variance + norm.eps).rsqrt() * norm.weight
    weight, bias = conv.weight * factor.view(-1, 1, 1, 1), norm.bias - mean * factor
    weight, bias = weight.to(conv.weight.dtype), bias.to(conv.weight.dtype)  # of a half-precision convolution
    if isinstance(conv, PointwiseConv2d):
        return _multiply(x, weight, bias)
    return F.conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)


def _multiply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if x.device.type != 'cpu' or not x.is_contiguous() or torch.compiler.is_compiling():
        return F.conv2d(x, weight, bias)
    matrices = weight.flatten(1).expand(x.shape[0], -1, -1)  # (N, C', C)
    columns = x.flatten(2)  # (N, C, H*W)
    out = torch.bmm(matrices, columns) if bias is None else torch.baddbmm(bias.view(1, -1, 1), matrices, columns)
    return out.unflatten(2, x.shape[2:])
