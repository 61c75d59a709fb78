"""A stage whose input is pooled over time."""

from torch import Tensor, nn

__all__ = ['TemporalPool']


class TemporalPool(nn.Module):
    """Halve the number of frames by max pooling (kernel 3, stride 2), then apply ``net`` (official TSM, ``_tpool``).

    Args:
        net: The stage behind the pooling.
        num_segments: T, frames in a clip before pooling.
    """

    def __init__(self, net: nn.Module, num_segments: int) -> None:
        super().__init__()
        self.net = net
        self.num_segments = num_segments
        self.max_pool3d = nn.MaxPool3d(kernel_size=(3, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N*T, C, H, W)`` to what ``net`` makes of ``(N*T/2, C, H, W)``."""
        clips = x.unflatten(0, (x.shape[0] // self.num_segments, self.num_segments)).transpose(1, 2)  # (N, C, T, H, W)
        return self.net(self.max_pool3d(clips).transpose(1, 2).flatten(0, 1))
