"""One dilated convolution behind a backbone."""

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvidext.ops.checks import check_at_least
from mmvidext.registry import MODELS

__all__ = ['DilatedConvNeck']


@MODELS.register_module()
class DilatedConvNeck(BaseModule):
    """The ``feat_conv_3x3`` of Deep Feature Flow's detector: a dilated 3x3 convolution with bias, and ReLU.

    Args:
        in_channels: Channels of the last map of the backbone.
        out_channels: Channels of its output.
        dilation: Of the convolution, whose padding keeps the size.
        init_cfg: Config of the initialization; by default N(0, 0.01).

    Raises:
        ValueError: If a number is below 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dilation: int = 6,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        for name, number in dict(in_channels=in_channels, out_channels=out_channels, dilation=dilation).items():
            check_at_least(number, 1, name=name)
        super().__init__(init_cfg or dict(type='Normal', layer='Conv2d', std=0.01))
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation)
        self.out_channels = out_channels

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        """Turn the maps of a backbone into one map ``(N, out_channels, H, W)``, from the last of them."""
        return (self.conv(inputs[-1]).relu(),)
