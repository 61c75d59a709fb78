"""Temporal consistency: do predictions move with the picture?"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmseg.evaluation import IoUMetric
from torch import Tensor

from mmvidext.checkpoints import load_weights
from mmvidext.evaluation.finite_labels import finite_labels, predicted_labels
from mmvidext.evaluation.named_samples import check_any
from mmvidext.evaluation.video_order import VideoOrder
from mmvidext.registry import METRICS, MODELS

__all__ = ['TemporalConsistency', 'warp_labels']


@METRICS.register_module()
class TemporalConsistency(IoUMetric):
    """Flow-warped mIoU of consecutive predictions (TC of ETC, Liu et al., ECCV 2020, and of VSPW's script).

    For each pair of frames t, t + 1 the prediction of t + 1 is warped to t along the flow from t to t + 1, nearest, and
    compared with the prediction of t as if that were the ground truth: ``TC`` is the mIoU over one confusion matrix of
    all pairs of all videos, in percent. No label is needed. Pixels that the flow leads out of the picture do not count;
    a pixel whose scores are not finite in one of both frames is wrong, as one pixel of the class that t has there.

    Every frame of a video has to arrive, one after the other, and the pipeline must give frames as loaded (``inputs``,
    BGR, ``uint8``, the current frame last), as ``PackClipInputs`` does.

    Args:
        flow_estimator: Config of a ``FlowEstimator``. The authors use FlowNet2 and RAFT.
        checkpoint: Its weights, ours or official ones. None initializes it as its config says.
        device: Where it runs.
        ignore_index: Label that does not count.
        collect_device: ``'cpu'`` or ``'gpu'``, where distributed results are joined.
        prefix: Put before the name of the result.

    Raises:
        ValueError: If frames do not arrive one after the other, or the estimated flow is not finite.
    """

    def __init__(
        self,
        flow_estimator: dict[str, Any],
        *,
        checkpoint: str | None = None,
        device: str = 'cpu',
        ignore_index: int = 255,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ignore_index=ignore_index, collect_device=collect_device, prefix=prefix)
        self.flow_estimator = MODELS.build(flow_estimator).to(device).eval()
        if checkpoint is None:
            self.flow_estimator.init_weights()
        else:
            load_weights(self.flow_estimator, checkpoint)
        self._order = VideoOrder()
        self._last_frame = torch.empty(0)
        self._last_labels = torch.empty(0)
        self._last_truth = torch.empty(0)

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[dict[str, Any]]) -> None:
        """Take the next frames; compare each with the one before it."""
        num_classes = len(self.dataset_meta['classes'])
        for clip, sample in zip(data_batch['inputs'], data_samples, strict=True):
            frame, labels = clip[-1], finite_labels(sample, fill=num_classes).cpu()
            if not self._order.starts_video(sample):
                flow = self._estimate(self._last_frame, frame, (labels.shape[-2], labels.shape[-1]))
                warped, inside = warp_labels(labels, flow)
                warped = torch.where(self._last_labels < num_classes, warped, num_classes)
                truth = torch.where(inside, self._last_truth, self.ignore_index)
                self.results.append(self.intersect_and_union(warped, truth, num_classes, self.ignore_index))
            self._last_frame, self._last_labels, self._last_truth = frame, labels, predicted_labels(sample).cpu()

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return ``TC`` in percent.

        Raises:
            ValueError: If no video has two frames.
        """
        check_any(results, self, 'pair of consecutive frames')
        totals = [sum(column) for column in zip(*results, strict=True)]
        iou = self.total_area_to_metrics(*totals, ['mIoU'], self.nan_to_num, self.beta)['IoU']
        return {'TC': float(torch.from_numpy(iou).nanmean() * 100)}

    @torch.no_grad()
    def _estimate(self, first: Tensor, second: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the flow ``(2, H, W)`` between two frames, in pixels at ``size``."""
        pair = torch.stack((first, second)).flip(1)  # BGR to RGB
        (sample,) = self.flow_estimator.test_step({'inputs': [pair]})
        flow = sample.pred_flow.cpu()
        if not torch.isfinite(flow).all():
            raise ValueError('the estimated flow is not finite (NaN or Inf): check the weights of flow_estimator')
        height, width = flow.shape[-2:]
        if (height, width) == size:
            return flow
        scale = flow.new_tensor([size[1] / width, size[0] / height]).view(2, 1, 1)
        return F.interpolate(flow.unsqueeze(0), size, mode='bilinear', align_corners=False)[0] * scale


def warp_labels(labels: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Look up labels where the flow points to, nearest.

    Args:
        labels: ``(H, W)``.
        flow: ``(2, H, W)`` in pixels, ``(x, y)``.

    Returns:
        ``labels[p + flow(p)]`` ``(H, W)``, and whether that is inside the picture ``(H, W)``; outside, the label is
        that of the nearest pixel inside.
    """
    height, width = labels.shape
    rows = torch.arange(height, device=flow.device).view(-1, 1) + flow[1]
    columns = torch.arange(width, device=flow.device) + flow[0]
    y, x = rows.round().long(), columns.round().long()
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return labels[y.clamp(0, height - 1), x.clamp(0, width - 1)], inside
