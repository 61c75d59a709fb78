"""A layer whose input is shifted along time."""

from torch import Tensor, nn

from mmvidext.ops.backends import KernelBackend
from mmvidext.ops.checks import check_at_least
from mmvidext.ops.temporal_shift import temporal_shift

__all__ = ['TemporalShift']


class TemporalShift(nn.Module):
    """Shift the input along time, then apply ``net`` (TSM, section 3; see :func:`mmvidext.ops.temporal_shift`).

    Args:
        net: What the shifted features go through: a convolution (``blockres``) or a whole residual block (``block``).
        num_segments: T, the number of frames in a clip.
        shift_div: Channels over the number of channels that move in one direction.
        causal: Shift from the past only.
        backend: Backend of the shift, as in :func:`~mmvidext.ops.temporal_shift`.

    Raises:
        ValueError: If ``num_segments`` or ``shift_div`` is too small to shift anything.
    """

    def __init__(
        self,
        net: nn.Module,
        num_segments: int,
        *,
        shift_div: int = 8,
        causal: bool = False,
        backend: KernelBackend = 'auto',
    ) -> None:
        least = 1 if causal else 2  # a non-causal shift moves two parts
        check_at_least(num_segments, 1, name='num_segments')
        check_at_least(shift_div, least, name='shift_div')
        super().__init__()
        self.net = net
        self.num_segments = num_segments
        self.shift_div = shift_div
        self.causal = causal
        self.backend = backend

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N*T, C, H, W)`` to what ``net`` makes of it."""
        shifted = temporal_shift(x, self.num_segments, self.shift_div, causal=self.causal, backend=self.backend)
        return self.net(shifted)

    def extra_repr(self) -> str:
        """Show the shift's settings."""
        return f'num_segments={self.num_segments}, shift_div={self.shift_div}, causal={self.causal}'
