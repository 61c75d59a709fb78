"""R-FCN (Dai et al., NIPS 2016): every layer runs on the whole image, a box only averages scores."""

from typing import Any

import torch
from mmdet.models import BBoxHead, RPNHead, StandardRoIHead
from mmdet.structures.bbox import bbox2roi
from torch import Tensor, nn

from mmvidext.ops import ps_roi_pool
from mmvidext.ops.checks import check_at_least
from mmvidext.registry import MODELS

__all__ = ['RFCNHead', 'RFCNRPNHead', 'RFCNRoIHead', 'hardest_rois']


@MODELS.register_module()
class RFCNRPNHead(RPNHead):
    """mmdet's ``RPNHead`` as R-FCN of Deep Feature Flow has it: two 1x1 convolutions, without a 3x3 one before them.

    Args:
        in_channels: Channels that it reads.
        first_channel: Where they begin in the map. Deep Feature Flow gives the first half of its map to the RPN.
        **kwargs: The arguments of ``RPNHead``.

    Raises:
        ValueError: If ``in_channels`` is below 1, or ``first_channel`` below 0.
    """

    def __init__(self, in_channels: int, *, first_channel: int = 0, **kwargs: Any) -> None:
        check_at_least(in_channels, 1, name='in_channels')
        check_at_least(first_channel, 0, name='first_channel')
        super().__init__(in_channels, **kwargs)
        self.first_channel = first_channel

    def _init_layers(self) -> None:
        self.rpn_cls = nn.Conv2d(self.in_channels, self.num_base_priors * self.cls_out_channels, 1)
        self.rpn_reg = nn.Conv2d(self.in_channels, self.num_base_priors * self.bbox_coder.encode_size, 1)

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores ``(N, A * num_outputs, H, W)`` and box deltas ``(N, A * 4, H, W)`` of a map."""
        x = x.narrow(1, self.first_channel, self.in_channels)
        return self.rpn_cls(x), self.rpn_reg(x)


@MODELS.register_module()
class RFCNRoIHead(StandardRoIHead):
    """mmdet's ``StandardRoIHead`` around a :class:`RFCNHead`, which pools scores itself: there is no RoI extractor.

    Args:
        bbox_head: Config of a ``RFCNHead``.
        **kwargs: ``train_cfg``, ``test_cfg`` and ``init_cfg``.
    """

    def init_bbox_head(self, bbox_roi_extractor: None, bbox_head: dict[str, Any]) -> None:
        """Build the head.

        Raises:
            ValueError: If there is a RoI extractor.
        """
        if bbox_roi_extractor is not None:
            raise ValueError('RFCNRoIHead pools scores, not features: leave out bbox_roi_extractor')
        self.bbox_head = MODELS.build(bbox_head)

    def _bbox_forward(self, x: tuple[Tensor, ...], rois: Tensor) -> dict[str, Tensor]:
        cls_score, bbox_pred = self.bbox_head(x, rois)
        return {'cls_score': cls_score, 'bbox_pred': bbox_pred}

    def forward(self, x: tuple[Tensor, ...], rpn_results_list: list[Any], batch_data_samples: Any = None) -> tuple:
        """Return class scores ``(K, num_classes + 1)`` and box deltas ``(K, 4)`` of the proposals."""
        return self.bbox_head(x, bbox2roi([proposals.bboxes for proposals in rpn_results_list]))


@MODELS.register_module()
class RFCNHead(BBoxHead):
    """Position-sensitive score maps, pooled over boxes; class-agnostic boxes; online hard example mining.

    Two 1x1 convolutions make ``k * k`` maps for each class (background is the last one, as everywhere in mmdet) and for
    each of the four box deltas. PS-RoI pooling averages each bin of a box over a map of its own, and the mean of the
    bins is the score. Layers start as N(0, 0.01).

    Training sees every proposal; the ``num_hard`` of each image whose loss (class and box together) is greatest learn,
    as in the official code, and both losses are divided by their number.

    Args:
        in_channels: Channels that it reads.
        first_channel: Where they begin in the map. Deep Feature Flow gives the second half of its map to R-FCN.
        stride: Pixels of the image in a pixel of the map.
        num_hard: How many boxes of an image learn; None is all that the sampler of ``train_cfg`` leaves.
        roi_feat_size: k, bins along each side of a box.
        init_cfg: Config of the initialization.
        **kwargs: Further arguments of mmdet's ``BBoxHead``: ``num_classes``, ``bbox_coder`` and losses.

    Raises:
        ValueError: If a number is below 1, or ``first_channel`` below 0.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        first_channel: int = 0,
        stride: int = 16,
        num_hard: int | None = 128,
        roi_feat_size: int = 7,
        init_cfg: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        for name, number in dict(in_channels=in_channels, stride=stride, roi_feat_size=roi_feat_size).items():
            check_at_least(number, 1, name=name)
        if num_hard is not None:
            check_at_least(num_hard, 1, name='num_hard')
        check_at_least(first_channel, 0, name='first_channel')
        super().__init__(
            in_channels=in_channels,
            with_avg_pool=True,  # only so that its linear layers, which are replaced, are small
            roi_feat_size=roi_feat_size,
            reg_class_agnostic=True,
            init_cfg=init_cfg or dict(type='Normal', layer='Conv2d', std=0.01),
            **kwargs,
        )
        del self.avg_pool
        self.first_channel = first_channel
        self.stride = stride
        self.num_hard = num_hard
        self.fc_cls = nn.Conv2d(in_channels, self.roi_feat_area * (self.num_classes + 1), 1)
        self.fc_reg = nn.Conv2d(in_channels, self.roi_feat_area * self.bbox_coder.encode_size, 1)

    def forward(self, x: tuple[Tensor, ...], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Score boxes.

        Args:
            x: Maps; the first one is read, ``(N, C, H, W)``.
            rois: ``(K, 5)``: index into N, and ``x1, y1, x2, y2`` in pixels of the image.

        Returns:
            Class scores ``(K, num_classes + 1)`` and box deltas ``(K, 4)``.
        """
        feature = x[0].narrow(1, self.first_channel, self.in_channels)
        return self._pool(self.fc_cls(feature), rois), self._pool(self.fc_reg(feature), rois)

    def _pool(self, maps: Tensor, rois: Tensor) -> Tensor:
        bins = ps_roi_pool(maps, rois, self.roi_feat_size[0], spatial_scale=1 / self.stride)
        return bins.mean((2, 3))  # (K, outputs)

    def loss(
        self,
        cls_score: Tensor,
        bbox_pred: Tensor,
        rois: Tensor,
        labels: Tensor,
        label_weights: Tensor,
        bbox_targets: Tensor,
        bbox_weights: Tensor,
        reduction_override: str | None = None,
    ) -> dict[str, Tensor]:
        """Return the losses of the hardest boxes; the arguments are those of mmdet's ``BBoxHead.loss``."""
        if self.num_hard is not None:
            with torch.no_grad():
                hardness = self.loss_cls(cls_score, labels, label_weights, reduction_override='none')
                box_loss = self.loss_bbox(bbox_pred, bbox_targets, bbox_weights, reduction_override='none')
                hardness = hardness + box_loss.sum(1)  # weights of the background's boxes are 0
            kept = hardest_rois(hardness, rois[:, 0], self.num_hard)
            given = (cls_score, bbox_pred, rois, labels, label_weights, bbox_targets, bbox_weights)
            cls_score, bbox_pred, rois, labels, label_weights, bbox_targets, bbox_weights = (one[kept] for one in given)
        return super().loss(
            cls_score, bbox_pred, rois, labels, label_weights, bbox_targets, bbox_weights, reduction_override
        )


def hardest_rois(loss: Tensor, image: Tensor, number: int) -> Tensor:
    """Return the indices of the boxes of greatest loss, ``number`` of each image at most.

    Args:
        loss: ``(K,)``.
        image: ``(K,)``, the image of each box.
        number: How many of each image.
    """
    kept = []
    for one in image.unique():
        mine = (image == one).nonzero().squeeze(1)
        kept.append(mine[loss[mine].topk(min(number, len(mine))).indices])
    return torch.cat(kept) if kept else image.new_zeros(0, dtype=torch.long)
