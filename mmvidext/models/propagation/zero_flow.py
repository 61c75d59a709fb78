"""The flow network that sees no motion."""

from mmengine.model import BaseModule
from torch import Tensor

from mmvidext.registry import MODELS

__all__ = ['ZeroFlow']


@MODELS.register_module()
class ZeroFlow(BaseModule):
    """Says that nothing moves, so that Deep Feature Flow copies the key frame's labels: the baseline of propagation."""

    feature_channels = 2
    feature_stride = 4

    def estimate_at_stride(self, first: Tensor, second: Tensor, *, stride: int) -> tuple[Tensor, Tensor]:
        """Return zero flow for images ``(N, C, H, W)``, twice: it is also what a scale map would be read from."""
        height, width = (-(-length // stride) for length in first.shape[-2:])
        flow = first.new_zeros(len(first), 2, height, width)
        return flow, flow
