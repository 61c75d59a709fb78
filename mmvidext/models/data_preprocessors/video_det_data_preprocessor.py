"""Data preprocessor of the video detectors."""

from typing import Any

from mmdet.models import DetDataPreprocessor
from torch import Tensor

from mmvidext.models.data_preprocessors.clip_inputs import as_clips, refuse_batch_augments
from mmvidext.registry import MODELS

__all__ = ['VideoDetDataPreprocessor']


@MODELS.register_module()
class VideoDetDataPreprocessor(DetDataPreprocessor):
    """Normalize, pad and stack clips as mmdet's ``DetDataPreprocessor`` does with images.

    It takes the same arguments. A sample's ``inputs`` is a clip ``(T, 3, H, W)``, key frame first and current (labeled)
    frame last, and every frame of it is treated alike; boxes and masks are those of the current frame. An image
    ``(3, H, W)`` is a clip of one frame, so mmdet's own pipelines and its ``inference_detector`` work on a video
    detector too. Batch augmentations mix images, not clips, and are refused.

    Args:
        batch_augments: Must be empty.
        non_blocking: Copy from pinned memory to the device while the CPU goes on.
        **kwargs: The arguments of ``mmdet.DetDataPreprocessor``.

    Raises:
        ValueError: If ``batch_augments`` is given.
    """

    def __init__(self, *, batch_augments: list[dict] | None = None, non_blocking: bool = True, **kwargs: Any) -> None:
        refuse_batch_augments(batch_augments)
        super().__init__(non_blocking=non_blocking, **kwargs)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Turn a batch of samples into model input.

        Args:
            data: ``inputs``, a sequence of clips ``(T, 3, H, W)`` of equal length, and ``data_samples``, a
                ``DetDataSample`` for the last frame of each, or None.
            training: Pad masks and semantic maps too, as mmdet does.

        Returns:
            ``inputs`` ``(N, T, 3, H, W)`` and ``data_samples`` with the padding noted in them.

        Raises:
            ValueError: If an input is not a clip, or the clips differ in length.
        """
        clips, samples = as_clips(data['inputs']), data.get('data_samples')
        length = len(clips[0])
        # mmdet sees the frames of all clips as images, each with the sample of its clip
        frames = [frame for clip in clips for frame in clip]
        repeated = None if samples is None else [sample for sample in samples for _ in range(length)]
        batch = super().forward({'inputs': frames, 'data_samples': repeated}, training)
        return {
            'inputs': batch['inputs'].unflatten(0, (-1, length)),
            'data_samples': None if repeated is None else batch['data_samples'][::length],
        }

    def denormalize(self, frames: Tensor) -> Tensor:
        """Undo the normalization: ``(..., 3, H, W)`` to pixel values in [0, 255], channels as the model sees them."""
        return frames * self.std + self.mean if self._enable_normalize else frames
