"""LS-DFN as a neck: dynamic features beside those of the backbone (Wu et al., arXiv 1803.07624, section 4)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmvidext.layers.dynamic_filter import DynamicFilter
from mmvidext.ops.checks import check_at_least, check_numbers
from mmvidext.registry import MODELS

__all__ = ['DFNNeck', 'LSDFNNeck']


@MODELS.register_module()
class LSDFNNeck(BaseModule):
    """Concatenates the output of a :class:`~mmvidext.layers.DynamicFilter` to one feature of the backbone.

    It takes what the toolboxes hand to a neck and returns what they expect back:

    ====================================  ================================  =========================================
    caller                                takes                             returns
    ====================================  ================================  =========================================
    mmseg, mmdet                          tuple of ``(N, C_i, H_i, W_i)``   the tuple, one feature with more channels
    any                                   one ``(N, C, H, W)``              ``(N, out_channels, H, W)``
    mmaction2's ``Recognizer2D``          list of ``(N, C_i, T, H_i, W_i)`` ``(N*T, out_channels, 1, H, W)``, ``{}``
    ====================================  ================================  =========================================

    mmaction2 calls a neck only on a list, so its backbone needs two or more ``out_indices``. The head then receives
    ``(N*T, out_channels, H, W)`` and has to find the clips by its own ``num_segments``, as ``TSMHead`` does: mmaction2
    takes what a neck returns for one feature a clip, and so does ``TSNHead``.

    Args:
        in_channels: Channels of the feature at ``in_index``, or of every feature in order.
        dynamic_channels: Outputs of the dynamic filter.
        kernel_size: Taps along each axis of a kernel, odd.
        num_samples: Samples along each axis of the field, odd. 1 is a plain dynamic filter network.
        sample_stride: Pixels of the feature between neighboring samples.
        in_index: Which feature to filter; it is also the one that grows.
        post_channels: Channels of the dynamic features, after the 1x1 convolution.
        init_cfg: mmengine's initialization config.
        **layer: Further arguments of :class:`~mmvidext.layers.DynamicFilter`.

    Attributes:
        out_channels: Channels of the feature at ``in_index`` (``in_channels`` is an int), or of every feature.

    Raises:
        ValueError: If a number is out of range.
        IndexError: If ``in_index`` is outside ``in_channels`` or, when called, outside the features.
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        dynamic_channels: int = 24,
        *,
        kernel_size: int = 3,
        num_samples: int = 5,
        sample_stride: int = 3,
        in_index: int = -1,
        post_channels: int = 256,
        init_cfg: dict[str, Any] | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(init_cfg)
        check_at_least(post_channels, 1, name='post_channels')
        if not isinstance(in_channels, int):
            check_numbers(in_channels, 1, 1e6, name='in_channels', form='those of one or more features', whole=True)
        self.in_index = in_index
        self.out_channels: int | tuple[int, ...]
        if isinstance(in_channels, int):
            channels = in_channels
            self.out_channels = channels + post_channels
        else:
            index = _resolve_index(in_index, len(in_channels), of='in_channels')
            channels = in_channels[index]
            self.out_channels = (*in_channels[:index], channels + post_channels, *in_channels[index + 1 :])
        self._channels = channels
        self.dynamic_filter = DynamicFilter(
            channels,
            post_channels,
            dynamic_channels=dynamic_channels,
            kernel_size=kernel_size,
            num_samples=num_samples,
            sample_stride=sample_stride,
            **layer,
        )

    def forward(
        self, inputs: Tensor | Sequence[Tensor], data_samples: Any = None
    ) -> Tensor | tuple[Tensor, ...] | tuple[Tensor, dict[str, Tensor]]:
        """Add dynamic features; see the class for what comes and goes.

        Args:
            inputs: One feature or all features of the backbone.
            data_samples: What mmaction2 passes to every neck; this one has no loss, so it needs none.

        Returns:
            The features with the dynamic ones, in the form the caller expects.

        Raises:
            ValueError: If the feature at ``in_index`` is of clips, as in a ``Recognizer3D``, or has other channels.
        """
        if isinstance(inputs, Tensor):
            return self._extend(inputs)
        index = _resolve_index(self.in_index, len(inputs), of='the features')
        if isinstance(inputs, list) and inputs[index].ndim == 5:  # a Recognizer3D, which wants clips back, has a tuple
            frames = inputs[index].transpose(1, 2).flatten(0, 1)  # (N*T, C, H, W)
            return self._extend(frames).unsqueeze(2), {}
        return (*inputs[:index], self._extend(inputs[index]), *inputs[index + 1 :])

    def _extend(self, feature: Tensor) -> Tensor:
        if feature.ndim != 4:
            raise ValueError(
                f'{type(self).__name__} takes frames (N, C, H, W), but the shape of the feature is '
                f'{tuple(feature.shape)}: of the recognizers of mmaction2 it needs a Recognizer2D'
            )
        if feature.shape[1] != self._channels:
            raise ValueError(
                f'the shape of the feature at in_index={self.in_index} is {tuple(feature.shape)}, not (N, in_channels='
                f'{self._channels}, H, W); with mmaction2 give the backbone two or more out_indices'
            )
        return torch.cat([feature, self.dynamic_filter(feature)], dim=1)


@MODELS.register_module()
class DFNNeck(LSDFNNeck):
    """A plain dynamic filter network: :class:`LSDFNNeck` with one sample.

    Args:
        in_channels: Channels of the feature at ``in_index``, or of every feature in order.
        dynamic_channels: Outputs of the dynamic filter.
        **kwargs: Further arguments of :class:`LSDFNNeck`.
    """

    def __init__(self, in_channels: int | Sequence[int], dynamic_channels: int = 24, **kwargs: Any) -> None:
        super().__init__(in_channels, dynamic_channels, num_samples=1, sample_stride=1, **kwargs)


def _resolve_index(index: int, length: int, *, of: str) -> int:
    if not isinstance(index, int) or not -length <= index < length:
        raise IndexError(
            f'in_index={index!r} is outside {of}: there are {length}, so it must be in {-length}..{length - 1}'
        )
    return index % length
