"""What the MotionSqueeze layer of a recognizer sees in a clip."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ['SeenMotion', 'see_motion', 'sees_motion']


class SeenMotion(NamedTuple):
    """Frames, and the motion between them.

    Attributes:
        frames: As the model gets them before it normalizes them, RGB, values in [0, 255], ``(T, 3, H, W)``.
        motion: Displacement x and y as a fraction of the largest one, and confidence, ``(T-1, 3, h, w)``.
    """

    frames: Tensor
    motion: Tensor


def sees_motion(model: Any) -> bool:
    """Whether a recognizer has a MotionSqueeze layer and looks at more than one frame."""
    layer = getattr(getattr(model, 'backbone', None), 'motion_squeeze', None)
    return layer is not None and layer.num_segments > 1


@torch.inference_mode()
def see_motion(model: Any, clip: dict[str, Any]) -> SeenMotion:
    """Estimate the motion in the first crop of a clip.

    Args:
        model: A recognizer, in evaluation mode.
        clip: What its pipeline packs: ``inputs (N*T, 3, H, W)`` and ``data_samples``.

    Raises:
        ValueError: If the model has no MotionSqueeze layer.
    """
    if not sees_motion(model):
        raise ValueError('the model has no MotionSqueeze layer: take one with an mmvidext.MSResNet as its backbone')
    layer = model.backbone.motion_squeeze
    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        batch = model.data_preprocessor(dict(inputs=[clip['inputs']], data_samples=[clip['data_samples']]))
        model.backbone(batch['inputs'].flatten(0, 1))
    finally:
        hook.remove()
    return SeenMotion(clip['inputs'][: layer.num_segments], layer.estimate_motion(seen[0])[0])
