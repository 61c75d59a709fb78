"""The LS-DFN layer (Wu et al., arXiv 1803.07624): predicts kernels and attention, and filters with them."""

from typing import Any

import torch.nn as nn
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor

from mmvidext.ops.backends import KernelBackend
from mmvidext.ops.checks import check_at_least, check_between
from mmvidext.ops.dynamic_filter import ProjectedKernel, check_settings, dynamic_filter
from mmvidext.registry import MODELS

__all__ = ['DynamicFilter']


@MODELS.register_module()
class DynamicFilter(BaseModule):
    """Dynamic filtering with a large sampling field.

    Branches over the same input: the feature branch makes what is filtered; the kernel branch makes, at every position,
    a channel kernel ``U (C', C)`` and a spatial kernel ``V (C', k, k)``; the attention branch weighs the ``k*k`` taps
    and the ``s*s`` samples. :func:`~mmvidext.ops.dynamic_filter` combines them and adds the residuals ``1 / C`` to the
    channel kernel and 1 to each attention, so that a layer with small weights starts as a mean over its field. A 1x1
    convolution follows. The last convolution of the channel kernel is never run: the op takes it as it is, and the
    ``C'*C`` maps never exist.

    The kinds and sizes of the branches' hidden convolutions are not in the paper; they follow the first author's later
    code with fewer channels (docs/compatibility.md).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output, after the 1x1 convolution.
        dynamic_channels: ``C'``, outputs of the dynamic filter.
        kernel_size: ``k``, odd.
        num_samples: ``s``, samples along each axis, odd. 1 is a plain dynamic filter network.
        sample_stride: Pixels between neighboring samples.
        feature_channels: ``C``, channels of the feature branch.
        kernel_channels: Hidden channels of each of the two kernel branches.
        kernel_std: Standard deviation of the initial weights of the last convolution of each kernel branch, relative to
            one over the square root of its inputs. The smaller, the closer the initial layer is to the plain mean, and
            the slower its outputs grow apart.
        norm_cfg: Normalization behind the hidden convolutions and the 1x1 convolution; none by default, as in the
            authors' code.
        act_cfg: Activation of the same convolutions.
        chunk_channels: Outputs of the dynamic filter to compute at once, as in :func:`~mmvidext.ops.dynamic_filter`.
        backend: Backend of the pooling, as in :func:`~mmvidext.ops.pool_samples`.
        init_cfg: mmengine's initialization config.

    Raises:
        ValueError: If a number is out of range.

    Attributes:
        out_channels: Channels of the output.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 256,
        *,
        dynamic_channels: int = 24,
        kernel_size: int = 3,
        num_samples: int = 5,
        sample_stride: int = 3,
        feature_channels: int = 256,
        kernel_channels: int = 64,
        kernel_std: float = 0.1,
        norm_cfg: dict[str, Any] | None = None,
        act_cfg: dict[str, Any] | None = None,
        chunk_channels: int | None = None,
        backend: KernelBackend = 'auto',
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_settings(kernel_size, num_samples, sample_stride, chunk_channels)
        channels = dict(
            in_channels=in_channels,
            out_channels=out_channels,
            dynamic_channels=dynamic_channels,
            feature_channels=feature_channels,
            kernel_channels=kernel_channels,
        )
        for name, number in channels.items():
            check_at_least(number, 1, name=name)
        check_between(kernel_std, 0, 1e6, name='kernel_std')
        self.settings: dict[str, Any] = dict(
            kernel_size=kernel_size,
            num_samples=num_samples,
            sample_stride=sample_stride,
            chunk_channels=chunk_channels,
            backend=backend,
        )
        self.out_channels = out_channels
        # out of place: a full backward hook on a convolution raises where its output is overwritten
        common: dict[str, Any] = dict(norm_cfg=norm_cfg, act_cfg=act_cfg or dict(type='ReLU'), inplace=False)
        self.feature_conv = ConvModule(in_channels, feature_channels, 3, padding=1, **common)
        self.channel_code = ConvModule(in_channels, kernel_channels, 3, padding=1, **common)
        kernel_outputs = dynamic_channels * feature_channels
        self.channel_kernel = _SmallConv(kernel_channels, kernel_outputs, 1, std=kernel_std)  # never run
        self.spatial_code = ConvModule(in_channels, kernel_channels, 3, padding=1, **common)
        self.spatial_kernel = _SmallConv(kernel_channels, dynamic_channels * kernel_size**2, 3, std=kernel_std)
        self.position_attention = _SmallConv(in_channels, kernel_size**2, 3, std=kernel_std)
        self.sample_attention = _SmallConv(in_channels, num_samples**2, 3, std=kernel_std)
        self.post_conv = ConvModule(dynamic_channels, out_channels, 1, **common)

    def forward(self, x: Tensor) -> Tensor:
        """Filter a feature map.

        Args:
            x: ``(N, in_channels, H, W)``.

        Returns:
            ``(N, out_channels, H, W)``.
        """
        projection: Any = self.channel_kernel
        channel_kernel = ProjectedKernel(self.channel_code(x), projection.weight, projection.bias)
        filtered = dynamic_filter(
            self.feature_conv(x),
            self.spatial_kernel(self.spatial_code(x)),
            channel_kernel,
            self.position_attention(x),
            self.sample_attention(x),
            **self.settings,
        )
        return self.post_conv(filtered)

    def attend(self, x: Tensor) -> Tensor:
        """Return the weight of each sample at each position, for pictures.

        Args:
            x: ``(N, in_channels, H, W)``.

        Returns:
            ``1 + A_sample``, ``(N, s*s, H, W)``, rows of the field first.
        """
        return self.sample_attention(x) + 1


class _SmallConv(nn.Conv2d):
    """A convolution that keeps the size and starts with small weights, whatever ``init_cfg`` says but a checkpoint.

    ``std`` is relative to one over the square root of its inputs.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, *, std: float) -> None:
        super().__init__(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.std = std
        self.init_weights()

    def init_weights(self) -> None:
        """Draw the weights anew: mmengine asks for it after an initialization and before it loads a checkpoint."""
        nn.init.normal_(self.weight, std=self.std / self.weight[0].numel() ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
