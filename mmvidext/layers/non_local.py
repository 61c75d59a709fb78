"""A residual block followed by a non-local block over space and time."""

from typing import Any

from mmcv.cnn import NonLocal3d
from torch import Tensor, nn

__all__ = ['NonLocalBlock']


class NonLocalBlock(nn.Module):
    """Apply ``block``, then relate all places of all frames of a clip (Wang et al., CVPR 2018).

    Args:
        block: Residual block on ``(N*T, C, H, W)``.
        channels: C of its output.
        num_segments: T, the number of frames in a clip.
        non_local_cfg: Arguments of mmcv's ``NonLocal3d``.
    """

    def __init__(self, block: nn.Module, channels: int, num_segments: int, non_local_cfg: dict[str, Any]) -> None:
        super().__init__()
        self.block = block
        self.non_local_block = NonLocal3d(channels, **non_local_cfg)
        self.num_segments = num_segments

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N*T, C, H, W)`` to ``(N*T, C', H', W')``."""
        x = self.block(x)
        clips = x.unflatten(0, (x.shape[0] // self.num_segments, self.num_segments)).transpose(1, 2)  # (N, C, T, H, W)
        return self.non_local_block(clips.contiguous()).transpose(1, 2).flatten(0, 1)
