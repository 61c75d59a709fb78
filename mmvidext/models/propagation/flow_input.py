"""Frames as a flow network wants them: half the size, normalized its own way."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvidext.ops.checks import check_numbers

__all__ = ['FlowInput']


class FlowInput(nn.Module):
    """Halve frames and normalize them.

    Deep Feature Flow runs its FlowNet on frames averaged 2x2, minus their mean, divided by 255.

    Args:
        mean: Mean of the three channels, of values in [0, 255].
        std: What the difference is divided by.
        swap_channels: Reverse the channel order first, for a flow network that was trained on the other one.

    Raises:
        ValueError: If ``mean`` or ``std`` does not have three values, or one of ``std`` is not positive.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        mean: Sequence[float] = (123.15, 115.90, 103.06),
        std: Sequence[float] = (255.0, 255.0, 255.0),
        swap_channels: bool = False,
    ) -> None:
        super().__init__()
        for name, least, values in (('mean', -1e6, mean), ('std', 1e-6, std)):
            check_numbers(values, least, 1e6, name=f'{name} of the flow input', form='three numbers', count=3)
        self.swap_channels = swap_channels
        self.register_buffer('mean', torch.tensor(mean, dtype=torch.float32).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std, dtype=torch.float32).view(3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor, image_sizes: Sequence[tuple[int, int]] | None = None) -> Tensor:
        """Turn frames into the flow network's.

        Args:
            pixels: ``(N, 3, H, W)``, 0 to 255.
            image_sizes: Height and width of the image at the top left of each frame. The rest is padding, which becomes
                0 as in mmtracking. None means that there is none, or that it does not matter.

        Returns:
            ``(N, 3, ceil(H / 2), ceil(W / 2))``.
        """
        if self.swap_channels:
            pixels = pixels.flip(1)
        normalized = (pixels - self.mean) / self.std
        if image_sizes is not None:
            for index, (height, width) in enumerate(image_sizes):
                normalized[index, :, height:] = 0
                normalized[index, :, :, width:] = 0
        return F.avg_pool2d(normalized, 2, ceil_mode=True)
