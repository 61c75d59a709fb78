"""What DeepLabV2 does around its network (Chen et al., arXiv 1606.00915, section 4.1): several scales, then a CRF."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmseg.models.segmentors import EncoderDecoder
from mmseg.utils import OptSampleList, SampleList, add_prefix
from torch import Tensor

from mmvidext.models.segmentors.dense_crf import DenseCRF
from mmvidext.ops.checks import check_numbers
from mmvidext.registry import MODELS

__all__ = ['DeepLabV2']


@MODELS.register_module()
class DeepLabV2(EncoderDecoder):
    """An mmseg ``EncoderDecoder`` that sees its input at several scales and refines its result with a dense CRF.

    The same weights see each scale; every class takes its maximum over the scales. In training the fused scores and
    each single scale have a loss. With one scale and no CRF it is a plain ``EncoderDecoder``.

    Args:
        *args: As ``EncoderDecoder``.
        scales: Of the input, relative to its size; the first gives the size of the fused scores.
        crf: Arguments of :class:`~mmvidext.models.segmentors.dense_crf.DenseCRF`, to refine what ``predict`` returns;
            an empty dict is its defaults, None is no CRF. It runs at the size of the network's input.
        **kwargs: As ``EncoderDecoder``.

    Raises:
        ValueError: If there is no scale, or one is not from 0.001 to 1000.
        ImportError: If ``crf`` is given and pydensecrf is not installed.
    """

    def __init__(
        self, *args: Any, scales: Sequence[float] = (1.0,), crf: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        form = 'one or more, for example (1, 0.75, 0.5)'
        check_numbers(scales, 1e-3, 1e3, name='scales', form=form)
        self.scales = tuple(scales)
        self.crf = None if crf is None else DenseCRF(**crf)

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Return the loss of the fused scores and of each scale; see mmseg for the arguments."""
        if len(self.scales) == 1:
            return super().loss(inputs, data_samples)
        features = [self.extract_feat(image) for image in self._rescale(inputs)]
        scores = [self.decode_head(feature) for feature in features]
        losses = add_prefix(self.decode_head.loss_by_feat(self._fuse(scores), data_samples), 'decode')
        for scale, score in zip(self.scales, scores, strict=True):
            loss = self.decode_head.loss_by_feat(score, data_samples)
            losses.update(add_prefix(loss, f'decode.scale{100 * scale:.0f}'))
        if self.with_auxiliary_head:
            losses.update(self._auxiliary_head_forward_train(features[0], data_samples))
        return losses

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict[str, Any]]) -> Tensor:
        """Return the fused scores at the input's size, ``(N, classes, H, W)``."""
        if len(self.scales) == 1:
            return super().encode_decode(inputs, batch_img_metas)
        return self.decode_head.predict_by_feat(self._forward(inputs), batch_img_metas)

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Tensor:
        return self._fuse([self.decode_head(self.extract_feat(image)) for image in self._rescale(inputs)])

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Segment a batch; see mmseg for the arguments and the result."""
        if self.crf is None:
            return super().predict(inputs, data_samples)
        if data_samples is None:
            size = tuple(inputs.shape[2:])
            metas = [dict(ori_shape=size, img_shape=size, pad_shape=size, padding_size=[0, 0, 0, 0])] * len(inputs)
        else:
            metas = [sample.metainfo for sample in data_samples]
        scores = self.inference(inputs, metas)
        return self.postprocess_result(self._refine(inputs, scores, self.crf), data_samples)

    def _rescale(self, inputs: Tensor) -> list[Tensor]:
        return [
            inputs
            if scale == 1
            else F.interpolate(inputs, scale_factor=scale, mode='bilinear', align_corners=self.align_corners)
            for scale in self.scales
        ]

    def _fuse(self, scores: list[Tensor]) -> Tensor:
        """Take the maximum over the scales, at the size of the first, ``(N, classes, H, W)``."""
        size = scores[0].shape[2:]
        resized = [
            F.interpolate(score, size=size, mode='bilinear', align_corners=self.align_corners) for score in scores[1:]
        ]
        return torch.stack([scores[0], *resized]).amax(dim=0)

    def _refine(self, inputs: Tensor, scores: Tensor, crf: DenseCRF) -> Tensor:
        """Run the CRF on each image: scores to scores, ``(N, classes, H, W)``, or ``(N, 1, H, W)`` of a binary head."""
        images = inputs * getattr(self.data_preprocessor, 'std', 1) + getattr(self.data_preprocessor, 'mean', 0)
        pictures = images.round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()  # (N, H, W, 3)
        is_binary = scores.shape[1] == 1  # one output, the logit of the foreground
        if is_binary:
            scores = torch.cat((torch.zeros_like(scores), scores), dim=1)  # its softmax is the sigmoid
        probabilities = scores.detach().softmax(dim=1).float().cpu().numpy()
        refined = [
            torch.from_numpy(crf.refine(picture, probability))
            for picture, probability in zip(pictures, probabilities, strict=True)
        ]
        logarithms = torch.stack(refined).to(scores).clamp(min=1e-8).log()
        return logarithms[:, 1:] - logarithms[:, :1] if is_binary else logarithms
