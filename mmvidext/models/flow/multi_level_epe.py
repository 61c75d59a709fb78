"""The training loss of the FlowNets."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvidext.models.flow.flownet import FLOW_SCALE
from mmvidext.ops.checks import check_numbers, check_rank
from mmvidext.registry import MODELS

__all__ = ['MultiLevelEPE']


@MODELS.register_module()
class MultiLevelEPE(nn.Module):
    """End-point error at every level of the decoder (FlowNet, section 5.2; weights as in the authors' network files).

    The true flow, divided by 20 as the networks' predictions are, is averaged down to each level. A level's error is
    the sum over its pixels of the length of the difference, divided by the batch size. Vectors keep their length in
    pixels of the input at every level. Pixels of unknown flow do not take part in the average; where a whole window is
    unknown, there is no error. The error of an empty batch is 0.

    Args:
        weights: Weight of each level, finest (2) first.

    Raises:
        ValueError: If a weight is negative.
    """

    def __init__(self, weights: Sequence[float] = (0.005, 0.01, 0.02, 0.08, 0.32)) -> None:
        super().__init__()
        check_numbers(weights, 0, 1e6, name='weights', form='one number for each level')
        self.weights = tuple(weights)

    def forward(self, flows: Sequence[Tensor], target: Tensor, valid: Tensor | None = None) -> dict[str, Tensor]:
        """Compute the weighted loss of each level.

        Args:
            flows: Predictions ``(N, 2, H_L, W_L)``, finest level first, divided by 20.
            target: True flow ``(N, 2, H, W)`` in pixels, order ``(x, y)``.
            valid: Where it is known, ``bool (N, H, W)``; None means everywhere. Unknown vectors may hold anything.

        Returns:
            ``loss_level2`` to ``loss_level6``; training minimizes their sum.

        Raises:
            ValueError: If there are not as many predictions as weights, or a shape does not fit.
        """
        if len(flows) != len(self.weights):
            raise ValueError(f'MultiLevelEPE has {len(self.weights)} level weights, but got {len(flows)} predictions')
        _check_shapes(flows, target, valid)
        target = target.float() / FLOW_SCALE
        known = None if valid is None else valid.unsqueeze(1).float()
        if known is not None:
            target = torch.where(known > 0, target, 0)
        losses = {}
        for level, (flow, weight) in enumerate(zip(flows, self.weights, strict=True), start=2):
            size = (flow.shape[-2], flow.shape[-1])
            level_target = F.adaptive_avg_pool2d(target, size)
            if known is None:
                difference = flow.float() - level_target
            else:
                share = F.adaptive_avg_pool2d(known, size)
                # before the norm, whose gradient is NaN where a prediction is
                difference = torch.where(share > 0, flow.float() - level_target / share.clamp(min=1e-6), 0)
            error = torch.linalg.vector_norm(difference, dim=1).sum()
            losses[f'loss_level{level}'] = weight * error / max(len(flow), 1)
        return losses


def _check_shapes(flows: Sequence[Tensor], target: Tensor, valid: Tensor | None) -> None:
    """Raise unless nothing would be broadcast."""
    check_rank(target, '(N, 2, H, W)', name='target')
    num, _, height, width = target.shape
    for level, flow in enumerate(flows, start=2):
        if flow.ndim != 4 or flow.shape[:2] != (num, 2) or target.shape[1] != 2:
            raise ValueError(
                f'flows and target must be (N, 2, H, W) of one batch, but the prediction of level {level} is '
                f'{tuple(flow.shape)} and target is {tuple(target.shape)}'
            )
    if valid is not None and valid.shape != (num, height, width):
        raise ValueError(f'valid must be {(num, height, width)}, as target, but its shape is {tuple(valid.shape)}')
