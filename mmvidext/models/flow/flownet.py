"""What FlowNetS and FlowNetC share: the layers after the two images have met, and the ways to call the network."""

from abc import ABCMeta, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvidext.checkpoints import load_weights
from mmvidext.models.flow.flow_decoder import FINEST_LEVEL, NEGATIVE_SLOPE, FlowDecoder
from mmvidext.models.pretrained_file import pretrained_file
from mmvidext.ops.checks import check_at_least, check_positive
from mmvidext.registry import MODELS

__all__ = ['FLOW_SCALE', 'FlowNet', 'upsample_flow']

FLOW_SCALE = 20.0  # the networks predict flow / 20, the authors' scale
FEATURE_STRIDE = 2**FINEST_LEVEL


class FlowNet(BaseModule, metaclass=ABCMeta):
    """Base of the networks of "FlowNet: Learning Optical Flow with Convolutional Networks", ICCV 2015.

    A subclass brings the two images together (:meth:`merge`); this class continues from there. Every input size works:
    odd ones are cropped on the way up as in the authors' network.

    The flow goes from the first image to the second: the pixel ``p`` of the first is found at ``p + flow(p)`` in the
    second.

    Args:
        merged_channels: Channels of the merged feature that :meth:`merge` returns.
        in_channels: Channels of each image.
        width: Multiplies the channels of every layer but the flow's. Deep Feature Flow's "Half" is 0.5.
        deconv_bias: Whether the layers that upsample features have a bias.
        predict_bias: Whether the layers that predict flow have a bias.
        upflow_bias: Whether the layers that upsample flow have a bias.
        dynamic_filter: Config of a module that maps ``(N, C, H, W)`` to ``(N, out_channels, H, W)`` and publishes its
            ``out_channels``, as :class:`mmvidext.layers.DynamicFilter`; ``in_channels`` is passed to it. Its output
            joins the merged feature (level 3) and the skip connection of the same level (LS-DFN, section 4). None
            leaves the network as published.
        init_cfg: Initialization; default as He et al. for a leaky ReLU of slope 0.1.
    """

    feature_stride = FEATURE_STRIDE

    def __init__(
        self,
        merged_channels: int,
        *,
        in_channels: int = 3,
        width: float = 1.0,
        deconv_bias: bool = True,
        predict_bias: bool = True,
        upflow_bias: bool = True,
        dynamic_filter: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg or kaiming_init())
        check_at_least(in_channels, 1, name='in_channels')
        self.in_channels = in_channels
        self.origin: str | None = None  # of the weights that init_weights loads
        self.dynamic_filter = self.make_dynamic_filter(dynamic_filter, merged_channels)
        dynamic_channels: Any = 0 if self.dynamic_filter is None else self.dynamic_filter.out_channels
        level2, level3, level4, level5, level6 = (scale_channels(c, width) for c in (128, 256, 512, 512, 1024))
        self.conv3_1 = make_conv(merged_channels + dynamic_channels, level3, 3)
        self.conv4 = make_conv(level3, level4, 3, stride=2)
        self.conv4_1 = make_conv(level4, level4, 3)
        self.conv5 = make_conv(level4, level5, 3, stride=2)
        self.conv5_1 = make_conv(level5, level5, 3)
        self.conv6 = make_conv(level5, level6, 3, stride=2)
        self.conv6_1 = make_conv(level6, level6, 3)
        self.decoder = FlowDecoder(
            (level2, level3 + dynamic_channels, level4, level5, level6),
            [scale_channels(c, width) for c in (64, 128, 256, 512)],
            deconv_bias=deconv_bias,
            predict_bias=predict_bias,
            upflow_bias=upflow_bias,
        )
        self.feature_channels = self.decoder.feature_channels

    def init_weights(self) -> None:
        """Load the file of ``init_cfg``, or initialize from scratch where it names none.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it does not fit, see :func:`mmvidext.checkpoints.load_weights`.
        """
        file = pretrained_file(self.init_cfg, prefix='flow_net')
        if file is None:
            super().init_weights()
        else:
            self.origin = load_weights(self, file[0], prefix=file[1]).origin

    @staticmethod
    def make_dynamic_filter(config: dict[str, Any] | None, in_channels: int) -> nn.Module | None:
        """Build the module that joins level 3, for ``in_channels`` channels, or nothing."""
        return None if config is None else MODELS.build(dict(config, in_channels=in_channels))

    @abstractmethod
    def merge(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Bring the images ``(N, C, H, W)`` together.

        Returns:
            The skip connection of level 2, ``(N, C_2, H/4, W/4)``, and the merged feature of level 3, sizes rounded up.
        """

    def forward_features(self, first: Tensor, second: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Run all but the last prediction.

        Args:
            first: ``(N, C, H, W)``, normalized as the data preprocessor does.
            second: The same shape.

        Returns:
            The decoder's finest feature, ``(N, feature_channels, H/4, W/4)`` with sizes rounded up (the authors'
            ``Concat5``), and the flows of levels 3 to 6, each divided by 20.

        Raises:
            ValueError: If the images are not batches of ``C`` channels or their shapes differ.
        """
        self._check_images(first, second)
        skip2, merged = self.merge(first, second)
        dynamic = [] if self.dynamic_filter is None else [self.dynamic_filter(merged)]
        conv3 = convolve(self.conv3_1, torch.cat((merged, *dynamic), dim=1))
        conv4 = convolve(self.conv4_1, convolve(self.conv4, conv3))
        conv5 = convolve(self.conv5_1, convolve(self.conv5, conv4))
        conv6 = convolve(self.conv6_1, convolve(self.conv6, conv5))
        return self.decoder((skip2, torch.cat((conv3, *dynamic), dim=1), conv4, conv5, conv6))

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, ...]:
        """Predict the flow of every level.

        Args:
            first: ``(N, C, H, W)``, normalized as the data preprocessor does.
            second: The same shape.

        Returns:
            The flows of levels 2 to 6, ``(N, 2, H / 2**level, W / 2**level)`` with sizes rounded up, order ``(x, y)``,
            in pixels of the input divided by 20.
        """
        feature, flows = self.forward_features(first, second)
        return (self.decoder.predict_finest(feature), *flows)

    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the flow in pixels at the input's size: the finest prediction, upsampled bilinearly.

        Args:
            first: ``(N, C, H, W)``, normalized as the data preprocessor does.
            second: The same shape.

        Returns:
            ``(N, 2, H, W)``, order ``(x, y)``.
        """
        finest = self(first, second)[0]
        return upsample_flow(finest, first.shape[-2:])

    def estimate_at_stride(self, first: Tensor, second: Tensor, *, stride: int) -> tuple[Tensor, Tensor]:
        """Return the flow on a coarser grid and the feature it comes from, as Deep Feature Flow needs them.

        The finest feature is averaged down to the stride (sizes rounded up) before the last prediction, as the official
        code of Deep Feature Flow does.

        Args:
            first: ``(N, C, H, W)``, normalized as the data preprocessor does.
            second: The same shape.
            stride: The grid's spacing in pixels of the input: a multiple of 4.

        Returns:
            The flow ``(N, 2, H/stride, W/stride)``, order ``(x, y)``, in pixels of the **input**, and the feature
            ``(N, feature_channels, H/stride, W/stride)``.

        Raises:
            ValueError: If ``stride`` is not a positive multiple of 4.
        """
        if stride < FEATURE_STRIDE or stride % FEATURE_STRIDE:
            raise ValueError(
                f"stride must be a multiple of {FEATURE_STRIDE}, the stride of FlowNet's finest feature, not {stride}"
            )
        feature, _ = self.forward_features(first, second)
        if stride > FEATURE_STRIDE:
            feature = F.avg_pool2d(feature, stride // FEATURE_STRIDE, ceil_mode=True)
        return self.decoder.predict_finest(feature) * FLOW_SCALE, feature

    def _check_images(self, first: Tensor, second: Tensor) -> None:
        if first.ndim != 4 or first.shape[1] != self.in_channels:
            raise ValueError(f'images must be (N, {self.in_channels}, H, W), but the first is {tuple(first.shape)}')
        if first.shape != second.shape:
            raise ValueError(
                f'both images must have the same shape, but they are {tuple(first.shape)} and {tuple(second.shape)}'
            )


def upsample_flow(flow: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """Bring the finest prediction to the input's size and to pixels.

    Args:
        flow: ``(N, 2, H/4, W/4)``, sizes rounded up, divided by 20.
        size: ``(H, W)`` of the input.

    Returns:
        ``(N, 2, H, W)`` in pixels: four times larger, cropped where the size is not a multiple of 4.
    """
    upsampled = F.interpolate(flow, scale_factor=float(FEATURE_STRIDE), mode='bilinear', align_corners=False)
    return upsampled[..., : size[0], : size[1]] * FLOW_SCALE


def scale_channels(channels: int, width: float) -> int:
    """Multiply a layer's channels by the width multiplier.

    Raises:
        ValueError: If nothing would be left, or ``width`` is no positive number.
    """
    check_positive(width, name='width')
    scaled = round(channels * width)
    if scaled < 1:
        raise ValueError(f'width must leave each layer a channel, but {width} leaves none of {channels}')
    return scaled


def make_conv(in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1) -> nn.Conv2d:
    """Make a convolution that keeps the size, or divides it by the stride and rounds up."""
    return nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=kernel_size // 2)


def kaiming_init() -> dict[str, Any]:
    """Return the init config for layers that are followed by the FlowNets' leaky ReLU."""
    return dict(
        type='Kaiming',
        layer=['Conv2d', 'ConvTranspose2d'],
        a=NEGATIVE_SLOPE,
        mode='fan_in',
        nonlinearity='leaky_relu',
        distribution='normal',
    )


def convolve(conv: nn.Module, x: Tensor) -> Tensor:
    """Convolve and apply the FlowNets' leaky ReLU."""
    return F.leaky_relu(conv(x), NEGATIVE_SLOPE)
