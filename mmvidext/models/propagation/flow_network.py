"""What Deep Feature Flow needs of a flow network."""

from typing import Protocol, runtime_checkable

from torch import Tensor

__all__ = ['FlowNetwork']


@runtime_checkable
class FlowNetwork(Protocol):
    """A network that estimates flow on a grid of a given stride; every FlowNet of this package is one.

    Attributes:
        feature_channels: Channels of the feature that the flow is predicted from.
        feature_stride: Smallest stride of the grid, in pixels of its input; every other one is a multiple of it.
    """

    feature_channels: int
    feature_stride: int

    def estimate_at_stride(self, first: Tensor, second: Tensor, *, stride: int) -> tuple[Tensor, Tensor]:
        """Estimate the flow between two images.

        Args:
            first: ``(N, 3, H, W)``.
            second: The same shape.
            stride: Spacing of the grid in pixels of the input, a multiple of ``feature_stride``.

        Returns:
            The flow ``(N, 2, H/stride, W/stride)``, sizes rounded up, from the first image to the second, order
            ``(x, y)``, in pixels of the input; and the feature it comes from, ``(N, feature_channels, H/stride,
            W/stride)``.
        """
        ...
