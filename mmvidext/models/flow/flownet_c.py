"""FlowNetCorr: both images pass the same three layers, then their features are correlated."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.models.flow.flow_decoder import NEGATIVE_SLOPE
from mmvidext.models.flow.flownet import FlowNet, convolve, make_conv, scale_channels
from mmvidext.ops.local_correlation import Backend, local_correlation
from mmvidext.ops.precision import accumulation_dtype
from mmvidext.registry import MODELS

__all__ = ['FlowNetC']

# the authors' layer looks 20 cells far in steps of 2
MAX_DISPLACEMENT, DILATION = 10, 2
CORRELATION_CHANNELS = (2 * MAX_DISPLACEMENT + 1) ** 2


@MODELS.register_module()
class FlowNetC(FlowNet):
    """FlowNetC of "FlowNet: Learning Optical Flow with Convolutional Networks", ICCV 2015, section 3.

    Args:
        in_channels: Channels of each image.
        width: Multiplies the channels of every layer but the flow's and the correlation's.
        normalize: Divide the correlation by the channel count of the correlated features, as the authors' layer does.
            mmflow's weights were trained without.
        backend: Backend of :func:`mmvidext.ops.local_correlation`.
        **kwargs: Switches of biases, the dynamic filter and the initialization: see
            :class:`mmvidext.models.flow.flownet.FlowNet`.

    Example:
        >>> import torch
        >>> from mmvidext.models.flow import FlowNetC
        >>> net = FlowNetC(width=0.125)
        >>> [tuple(flow.shape) for flow in net(torch.rand(1, 3, 64, 96), torch.rand(1, 3, 64, 96))][:2]
        [(1, 2, 16, 24), (1, 2, 8, 12)]
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        width: float = 1.0,
        normalize: bool = True,
        backend: Backend = 'auto',
        **kwargs: Any,
    ) -> None:
        level1, level2, level3, redirected = (scale_channels(channels, width) for channels in (64, 128, 256, 32))
        super().__init__(redirected + CORRELATION_CHANNELS, in_channels=in_channels, width=width, **kwargs)
        self.normalize = normalize
        self.backend = backend
        self.conv1 = make_conv(in_channels, level1, 7, stride=2)
        self.conv2 = make_conv(level1, level2, 5, stride=2)
        self.conv3 = make_conv(level2, level3, 5, stride=2)
        self.conv_redir = make_conv(level3, redirected, 1)

    def merge(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Correlate the features of the images; see :meth:`FlowNet.merge`."""
        conv2 = convolve(self.conv2, convolve(self.conv1, torch.cat((first, second))))
        conv3_first, conv3_second = convolve(self.conv3, conv2).chunk(2)
        dtype = accumulation_dtype(conv3_first)  # a sum over hundreds of channels overflows half precision
        correlation = local_correlation(
            conv3_first.to(dtype), conv3_second.to(dtype), MAX_DISPLACEMENT, dilation=DILATION, backend=self.backend
        ).flatten(1, 2)  # (N, 441, H/8, W/8), rows of displacements first
        if self.normalize:
            correlation = correlation / conv3_first.shape[1]
        correlation = F.leaky_relu(correlation.to(conv3_first.dtype), NEGATIVE_SLOPE)
        merged = torch.cat((convolve(self.conv_redir, conv3_first), correlation), dim=1)
        return conv2.chunk(2)[0], merged
