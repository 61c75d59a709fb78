"""A flow network as a model that mmengine's runner trains and tests."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmvidext.models.flow.flownet import upsample_flow
from mmvidext.registry import MODELS

__all__ = ['FlowEstimator']


@MODELS.register_module()
class FlowEstimator(BaseModel):
    """Train and test a :class:`~mmvidext.models.flow.flownet.FlowNet`.

    Args:
        flow_net: Config of the network.
        loss: Config of the loss; default :class:`~mmvidext.models.flow.MultiLevelEPE`.
        data_preprocessor: Config of the data preprocessor; default
            :class:`~mmvidext.models.data_preprocessors.FlowDataPreprocessor`.
        init_cfg: Initialization; the network's own applies where it is None.
    """

    def __init__(
        self,
        flow_net: dict[str, Any],
        *,
        loss: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(
            data_preprocessor=data_preprocessor or dict(type='mmvidext.FlowDataPreprocessor'), init_cfg=init_cfg
        )
        self.flow_net = MODELS.build(flow_net)
        self.flow_loss = MODELS.build(loss or dict(type='mmvidext.MultiLevelEPE'))

    def forward(
        self, inputs: Tensor, data_samples: Sequence[BaseDataElement] | None = None, mode: str = 'tensor'
    ) -> tuple[Tensor, ...] | dict[str, Tensor] | list[BaseDataElement]:
        """Run one of mmengine's three modes.

        Args:
            inputs: Normalized image pairs ``(N, 2, 3, H, W)``.
            data_samples: For each pair, ``gt_flow (2, H, W)`` in pixels, order ``(x, y)``, and ``gt_valid (H, W)``;
                ``'loss'`` needs them.
            mode: ``'tensor'``, ``'loss'`` or ``'predict'``.

        Returns:
            ``'tensor'``: the network's raw flows of all levels. ``'loss'``: the losses, and ``epe``, the mean error of
            the batch in pixels, for the log. ``'predict'``: the samples with ``pred_flow (2, H, W)`` in pixels.

        Raises:
            ValueError: If ``mode`` is none of the three, the inputs are not pairs, or ``'loss'`` comes without samples.
        """
        if inputs.ndim != 5 or inputs.shape[1] != 2:
            raise ValueError(f'inputs must be image pairs (N, 2, 3, H, W), but their shape is {tuple(inputs.shape)}')
        first, second = inputs.unbind(dim=1)
        if mode == 'tensor':
            return self.flow_net(first, second)
        if mode == 'loss':
            return self.loss(first, second, data_samples)
        if mode == 'predict':
            return self.predict(first, second, data_samples)
        raise ValueError(f"mode must be 'tensor', 'loss' or 'predict', not {mode!r}")

    def loss(self, first: Tensor, second: Tensor, data_samples: Sequence[BaseDataElement] | None) -> dict[str, Tensor]:
        """Compute the training loss; see :meth:`forward`."""
        if not data_samples:
            raise ValueError("mode 'loss' needs data_samples with gt_flow and gt_valid, but there are none")
        target = torch.stack([sample.gt_flow for sample in data_samples])
        valid = torch.stack([sample.gt_valid for sample in data_samples]).bool()
        flows = self.flow_net(first, second)
        losses = self.flow_loss(flows, target, valid)
        with torch.no_grad():
            error = torch.linalg.vector_norm(upsample_flow(flows[0].float(), target.shape[-2:]) - target, dim=1)
            losses['epe'] = torch.where(valid, error, 0).sum() / valid.sum().clamp(min=1)
        return losses

    def predict(
        self, first: Tensor, second: Tensor, data_samples: Sequence[BaseDataElement] | None
    ) -> list[BaseDataElement]:
        """Estimate the flow; see :meth:`forward`."""
        samples = [BaseDataElement() for _ in first] if data_samples is None else list(data_samples)
        for sample, flow in zip(samples, self.flow_net.estimate(first, second), strict=True):
            sample.pred_flow = flow.float()
        return samples
