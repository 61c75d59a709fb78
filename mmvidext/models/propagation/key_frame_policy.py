"""When a stream of frames needs a new key frame."""

from typing import Protocol

from mmvidext.ops.checks import check_at_least, check_between

__all__ = ['AdaptiveInterval', 'FixedInterval', 'KeyFramePolicy']


class KeyFramePolicy(Protocol):
    """Decides about key frames; asked twice for each frame."""

    def is_due(self, distance: int) -> bool:
        """Whether the frame ``distance`` behind the key frame becomes one, before anything is computed for it."""
        ...

    def trusts(self, residual: float) -> bool:
        """Whether propagation is good enough, once the flow is known; if not, the frame becomes a key frame."""
        ...

    @property
    def needs_residual(self) -> bool:
        """Whether :meth:`trusts` uses the residual."""
        ...


class FixedInterval:
    """A key frame every ``interval`` frames.

    Raises:
        ValueError: If the interval is below 1.
    """

    needs_residual = False

    def __init__(self, interval: int) -> None:
        check_at_least(interval, 1, name='the key-frame interval')
        self.interval = interval

    def is_due(self, distance: int) -> bool:
        """Whether the interval is over."""
        return distance >= self.interval

    def trusts(self, residual: float) -> bool:
        """Always."""
        return True


class AdaptiveInterval:
    """A key frame as soon as the warped key frame no longer looks like the frame.

    The signal is the photometric residual of the flow that is computed anyway
    (:meth:`~mmvidext.models.segmentors.DeepFeatureFlow.warp_residual`): where the flow fails, where something new comes
    into view and where the scene is cut, it rises. A still scene keeps its key frame.

    Args:
        threshold: Greatest residual that is trusted, as a fraction of the frame's contrast. 0 makes every frame a key
            frame unless it equals its predecessor.
        max_interval: A key frame comes at the latest after this many frames.

    Raises:
        ValueError: If the threshold is negative or NaN, or the interval below 1.
    """

    needs_residual = True

    def __init__(self, threshold: float = 0.3, *, max_interval: int = 30) -> None:
        check_between(threshold, 0, float('inf'), name='the threshold of the residual')
        check_at_least(max_interval, 1, name='the greatest key-frame interval')
        self.threshold = threshold
        self.max_interval = max_interval

    def is_due(self, distance: int) -> bool:
        """Whether the greatest interval is over."""
        return distance >= self.max_interval

    def trusts(self, residual: float) -> bool:
        """Whether the residual is small enough."""
        return residual <= self.threshold
