"""Data preprocessor of the video segmentors."""

from typing import Any

import torch
from mmseg.models import SegDataPreProcessor
from mmseg.utils import stack_batch
from torch import Tensor

from mmvidext.models.data_preprocessors.clip_inputs import as_clips, refuse_batch_augments
from mmvidext.registry import MODELS

__all__ = ['VideoSegDataPreProcessor']


@MODELS.register_module()
class VideoSegDataPreProcessor(SegDataPreProcessor):
    """Normalize, pad and stack clips as mmseg's ``SegDataPreProcessor`` does with images.

    It takes the same arguments. A sample's ``inputs`` is a clip ``(T, 3, H, W)``, key frame first and current
    (labeled) frame last, and every frame of it is treated alike. An image ``(3, H, W)`` is a clip of one frame, so
    mmseg's own pipelines and its ``inference_model`` work on a video segmentor too. Batch augmentations mix images, not
    clips, and are refused.

    Args:
        bgr_to_rgb: Reverse the channels of frames that were read as BGR.
        rgb_to_bgr: Reverse the channels of frames that were read as RGB.
        batch_augments: Must be empty.
        non_blocking: Copy from pinned memory to the device while the CPU goes on.
        **kwargs: The arguments of ``mmseg.SegDataPreProcessor``.

    Raises:
        ValueError: If ``batch_augments`` is given.
    """

    def __init__(
        self,
        *,
        bgr_to_rgb: bool = False,
        rgb_to_bgr: bool = False,
        batch_augments: list[dict] | None = None,
        non_blocking: bool = True,
        **kwargs: Any,
    ) -> None:
        refuse_batch_augments(batch_augments)
        super().__init__(bgr_to_rgb=bgr_to_rgb, rgb_to_bgr=rgb_to_bgr, **kwargs)
        self.channel_conversion = bgr_to_rgb or rgb_to_bgr  # mmseg has it, its fork has not
        self._non_blocking = non_blocking  # mmengine's, which mmseg does not pass on

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Turn a batch of samples into model input.

        Args:
            data: ``inputs``, a sequence of clips ``(T, 3, H, W)`` of equal length, and ``data_samples``.
            training: Pad by ``size`` or ``size_divisor``; otherwise by ``test_cfg``, if at all.

        Returns:
            ``inputs`` ``(N, T, 3, H, W)`` and ``data_samples`` with the padding noted in them.

        Raises:
            ValueError: If an input is not a clip, or the clips differ in length, or in size at test time.
        """
        data = self.cast_data(data)
        samples = data.get('data_samples')
        clips = [self._normalize(clip) for clip in as_clips(data['inputs'])]
        padding = {'size': self.size, 'size_divisor': self.size_divisor} if training else self.test_cfg
        if padding:
            return self._pad(clips, samples, padding, training=training)
        sizes = {tuple(clip.shape[-2:]) for clip in clips}
        if len(sizes) != 1:
            raise ValueError(
                f'all clips of a test batch must have the same size, but got {sorted(sizes)}: '
                'use batch_size=1, or pad them with test_cfg=dict(size_divisor=...)'
            )
        return {'inputs': torch.stack(clips), 'data_samples': samples}

    def denormalize(self, frames: Tensor) -> Tensor:
        """Undo the normalization: ``(..., 3, H, W)`` to pixel values in [0, 255], channels as the model sees them."""
        return frames * self.std + self.mean if self._enable_normalize else frames

    def _normalize(self, clip: Tensor) -> Tensor:
        if self.channel_conversion:
            clip = clip.flip(1)
        clip = clip.float()
        return (clip - self.mean) / self.std if self._enable_normalize else clip

    def _pad(
        self, clips: list[Tensor], samples: list | None, padding: dict[str, Any], *, training: bool
    ) -> dict[str, Any]:
        """Let mmseg pad the frames of a clip as the channels of one image."""
        folded, padded = stack_batch(
            inputs=[clip.flatten(0, 1) for clip in clips],
            data_samples=samples if training else None,
            size=padding.get('size'),
            size_divisor=padding.get('size_divisor'),
            pad_val=self.pad_val,
            seg_pad_val=self.seg_pad_val,
        )
        if training:
            samples = padded
        elif samples is not None:
            for sample, information in zip(samples, padded, strict=True):
                sample.set_metainfo(information)
        return {'inputs': folded.unflatten(1, (-1, 3)), 'data_samples': samples}  # (N, T, 3, H, W)
