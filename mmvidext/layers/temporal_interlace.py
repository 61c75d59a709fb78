"""The temporal interlace module: two small networks that decide how far each group of channels moves in time."""

import torch
from torch import Tensor, nn

from mmvidext.ops.checks import check_at_least, check_rank, check_segments
from mmvidext.ops.temporal_interlace import temporal_interlace

__all__ = ['InterlacedConv', 'TemporalInterlace']

_GROUPS = 2  # learned offsets; their negatives make it four groups of channels


class OffsetNet(nn.Module):
    """Predict by how many frames each group moves, in (-2, 2); it starts near 0.5.

    Args:
        in_channels: Channels of the descriptor ``(N, C, T)``.
        num_segments: Frames of a clip; two fully connected layers fix it.
    """

    def __init__(self, in_channels: int, num_segments: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, 1, 3, padding=1)
        self.fc1 = nn.Linear(num_segments, num_segments)
        self.fc2 = nn.Linear(num_segments, _GROUPS)
        self.reset_bias()

    def reset_bias(self) -> None:
        """Set the last bias so that 4 * (sigmoid(bias) - 0.5) is 0.5."""
        nn.init.constant_(self.fc2.bias, 0.5108)

    def forward(self, descriptor: Tensor) -> Tensor:
        """Return the offsets ``(N, 2)`` for ``descriptor (N, C, T)``."""
        hidden = torch.relu(self.fc1(self.conv(descriptor).squeeze(1)))
        return 4 * (torch.sigmoid(self.fc2(hidden)) - 0.5)


class WeightNet(nn.Module):
    """Predict the factor of every frame in each group, in (0, 2); it starts near 1.

    Args:
        in_channels: Channels of the descriptor ``(N, C, T)``.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, _GROUPS, 3, padding=1)
        self.reset_bias()

    def reset_bias(self) -> None:
        """Set the bias so that 2 * sigmoid(bias) is 1."""
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, descriptor: Tensor) -> Tensor:
        """Return the factors ``(N, T, 2)`` for ``descriptor (N, C, T)``."""
        return 2 * torch.sigmoid(self.conv(descriptor)).transpose(1, 2)


class TemporalInterlace(nn.Module):
    """Interlace the first channels of a clip's frames, and leave the others.

    Four groups of channels move by ``(o1, o2, -o1, -o2)`` frames and are weighed by ``(w1, w2, w1, w2)``; see
    :func:`mmvidext.ops.temporal_interlace`. Parameter names are those of mmaction2's ``TemporalInterlace``.

    Args:
        in_channels: Channels of the input ``(N*T, C, H, W)``.
        num_segments: Frames of a clip.
        shift_div: The first ``C / shift_div`` channels are interlaced.

    Raises:
        ValueError: If these channels cannot be split into four groups, or an argument is below 1.
    """

    def __init__(self, in_channels: int, num_segments: int, *, shift_div: int = 4) -> None:
        super().__init__()
        check_at_least(in_channels, 1, name='in_channels')
        check_at_least(num_segments, 1, name='num_segments')
        check_at_least(shift_div, 1, name='shift_div')
        self.num_segments = num_segments
        self.num_interlaced = in_channels // shift_div
        if self.num_interlaced < 1 or self.num_interlaced % (2 * _GROUPS):
            raise ValueError(
                f'temporal interlacing splits the first C / shift_div channels into four groups, but C = {in_channels} '
                f'and shift_div = {shift_div} make {self.num_interlaced} channels'
            )
        self.offset_net = OffsetNet(self.num_interlaced, num_segments)
        self.weight_net = WeightNet(self.num_interlaced)

    def forward(self, x: Tensor) -> Tensor:
        """Return the interlaced features of ``x (N*T, C, H, W)``."""
        check_rank(x, '(N*T, C, H, W)', name='x')
        check_segments(x.shape[0], self.num_segments)
        moving, resting = x[:, : self.num_interlaced], x[:, self.num_interlaced :]
        descriptor = moving.mean((2, 3)).unflatten(0, (-1, self.num_segments)).transpose(1, 2)  # (N, C', T)
        offsets, weights = self.offset_net(descriptor), self.weight_net(descriptor)
        moved = temporal_interlace(
            moving, torch.cat([offsets, -offsets], 1), torch.cat([weights, weights], 2), self.num_segments
        )
        return torch.cat([moved, resting], 1)


class InterlacedConv(nn.Module):
    """Temporal interlacing in front of a convolution.

    Args:
        conv: The convolution; its input is interlaced.
        num_segments: Frames of a clip.
        shift_div: The first ``C / shift_div`` channels are interlaced.
    """

    def __init__(self, conv: nn.Conv2d, num_segments: int, *, shift_div: int = 4) -> None:
        super().__init__()
        self.net1 = TemporalInterlace(conv.in_channels, num_segments, shift_div=shift_div)
        self.net2 = conv

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of the interlaced ``x (N*T, C, H, W)``."""
        return self.net2(self.net1(x))
