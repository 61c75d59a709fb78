"""The head of DeepLabV2 (Chen et al., arXiv 1606.00915, section 3.2): parallel atrous classifiers, summed."""

from typing import Any

import torch.nn as nn
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from mmvidext.ops.checks import check_numbers
from mmvidext.registry import MODELS

__all__ = ['DeepLabV2Head']


@MODELS.register_module()
class DeepLabV2Head(BaseDecodeHead):
    """DeepLabV2's atrous spatial pyramid: one 3x3 classifier for each dilation, and the sum of their scores.

    Each branch goes from the feature straight to the classes, with neither normalization nor activation, as in the
    variant of the paper on ResNet-101. So the head has no layer in front of its classifier: ``conv_seg`` passes the sum
    through, and ``channels`` is the number of outputs.

    Args:
        in_channels: Channels of the feature.
        num_classes: Number of classes.
        dilations: Dilation of each branch.
        dropout_ratio: Probability to zero a score map in training.
        init_cfg: mmengine's initialization config; by default N(0, 0.01) for the branches.
        **kwargs: Further arguments of mmseg's ``BaseDecodeHead``.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        dilations: tuple[int, ...] = (6, 12, 18, 24),
        dropout_ratio: float = 0.0,
        init_cfg: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault('channels', kwargs.get('out_channels') or num_classes)
        super().__init__(
            in_channels=in_channels,
            num_classes=num_classes,
            dropout_ratio=dropout_ratio,
            init_cfg=init_cfg or dict(type='Normal', layer='Conv2d', std=0.01),
            **kwargs,
        )
        form = 'one for each branch, for example (6, 12, 18, 24)'
        check_numbers(dilations, 1, 1e6, name='dilations', form=form, whole=True)
        if self.channels != self.out_channels:
            raise ValueError(
                f'channels must be the number of outputs, {self.out_channels}, because the branches are the '
                f'classifier, but it is {self.channels}: omit it'
            )
        self.conv_seg = nn.Identity()
        self.branches = nn.ModuleList(
            nn.Conv2d(in_channels, self.out_channels, 3, padding=dilation, dilation=dilation) for dilation in dilations
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Classify every position.

        Args:
            inputs: Features of the backbone or neck; ``in_index`` picks one, ``(N, in_channels, H, W)``.

        Returns:
            Scores, ``(N, out_channels, H, W)``.
        """
        feature = self._transform_inputs(inputs)
        scores: Tensor = sum(branch(feature) for branch in self.branches)
        return self.cls_seg(scores)
