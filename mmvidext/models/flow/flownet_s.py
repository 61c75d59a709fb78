"""FlowNetSimple: both images enter the first layer together."""

from typing import Any

import torch
from torch import Tensor

from mmvidext.models.flow.flownet import FlowNet, convolve, make_conv, scale_channels
from mmvidext.registry import MODELS

__all__ = ['FlowNetS']


@MODELS.register_module()
class FlowNetS(FlowNet):
    """FlowNetS of "FlowNet: Learning Optical Flow with Convolutional Networks", ICCV 2015, section 3.

    Args:
        in_channels: Channels of each image.
        width: Multiplies the channels of every layer but the flow's. Deep Feature Flow's "Half" is 0.5.
        **kwargs: Switches of biases, the dynamic filter and the initialization: see
            :class:`mmvidext.models.flow.flownet.FlowNet`.

    Example:
        >>> import torch
        >>> from mmvidext.models.flow import FlowNetS
        >>> net = FlowNetS(width=0.125)
        >>> [tuple(flow.shape) for flow in net(torch.rand(1, 3, 64, 96), torch.rand(1, 3, 64, 96))][:2]
        [(1, 2, 16, 24), (1, 2, 8, 12)]
    """

    def __init__(self, *, in_channels: int = 3, width: float = 1.0, **kwargs: Any) -> None:
        level1, level2, level3 = (scale_channels(channels, width) for channels in (64, 128, 256))
        super().__init__(level3, in_channels=in_channels, width=width, **kwargs)
        self.conv1 = make_conv(2 * in_channels, level1, 7, stride=2)
        self.conv2 = make_conv(level1, level2, 5, stride=2)
        self.conv3 = make_conv(level2, level3, 5, stride=2)

    def merge(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Concatenate the images, then three layers; see :meth:`FlowNet.merge`."""
        conv1 = convolve(self.conv1, torch.cat((first, second), dim=1))
        conv2 = convolve(self.conv2, conv1)
        return conv2, convolve(self.conv3, conv2)
