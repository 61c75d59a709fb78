"""The motion that a MotionSqueeze model sees, as a picture."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmvidext.ops.flow_color import flow_color_wheel, flow_to_image

__all__ = ['draw_motion']

Picture = NDArray[np.uint8]
_GAP = 4  # pixels between pictures


def draw_motion(frames: Tensor, motion: Tensor, *, scale: int = 2) -> Picture:
    """Draw frames in a row, and below them the motion from each to the next.

    Hue stands for direction and saturation for size, as on the color wheel at the right; white: the match is not sure.

    Args:
        frames: RGB, values in [0, 255], ``(T, 3, H, W)``.
        motion: Displacement x and y in [-1, 1], and confidence, ``(T-1, 3, h, w)``; T at least 2.
        scale: The frames are enlarged so many times.

    Returns:
        RGB ``uint8``.
    """
    size = (frames.shape[3] * scale, frames.shape[2] * scale)
    pictures = frames.permute(0, 2, 3, 1).clamp(0, 255).byte().cpu().numpy()
    upper = [np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8) for picture in pictures]
    side = min(size)
    wheel = np.full((size[1], size[0], 3), 255, np.uint8)
    wheel[:side, :side] = flow_color_wheel(side).permute(1, 2, 0).numpy()
    rows = [_in_a_row(upper), _in_a_row([*_paint(motion.float().cpu(), size), wheel])]
    gap = np.full((_GAP, rows[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([rows[0], gap, rows[1]])


def _paint(motion: Tensor, size: tuple[int, int]) -> list[Picture]:
    """Return one picture ``(H, W, 3)`` for each displacement map."""
    colors = flow_to_image(motion[:, :2], 1.0).float()  # (T-1, 3, h, w)
    confidence = motion[:, 2:].clamp(0, 1)
    faded = colors * confidence + 255 * (1 - confidence)
    pictures = faded.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return [np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), np.uint8) for picture in pictures]


def _in_a_row(pictures: list[Picture]) -> Picture:
    gap = np.full((pictures[0].shape[0], _GAP, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.concatenate(parts[:-1], axis=1)
