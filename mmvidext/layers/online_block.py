"""Run a shifted residual block on one frame, with the past held by the caller.

The blocks are mmaction2's, with a :class:`mmvidext.layers.temporal_shift.TemporalShift` in front of the first
convolution or around the whole block. Only the residual branch is shifted in the former case, so a block cannot simply
be called on a shifted frame.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from mmvidext.layers.temporal_shift import TemporalShift
from mmvidext.ops.temporal_shift import temporal_shift_step

__all__ = ['ShiftStep', 'ShiftTape', 'step_inverted_residual', 'step_residual_block']

ShiftStep = Callable[[TemporalShift, Tensor], Tensor]


class ShiftTape:
    """Run each shifting layer on one frame in turn, reading the previous frame's caches and collecting the new ones.

    Args:
        caches: What the previous frame left at each shifting layer, in the order in which the layers run.
    """

    def __init__(self, caches: Sequence[Tensor]) -> None:
        self._caches = iter(caches)
        self._new: list[Tensor] = []

    def __call__(self, layer: TemporalShift, x: Tensor) -> Tensor:
        """Return what ``layer`` makes of one frame's features ``x (N, C, H, W)``."""
        shifted, new = temporal_shift_step(x, next(self._caches), layer.shift_div)
        self._new.append(new)
        return layer.net(shifted)

    @property
    def caches(self) -> tuple[Tensor, ...]:
        """What this frame leaves for the next one."""
        return tuple(self._new)


def step_residual_block(block: Any, x: Tensor, shift: ShiftStep) -> Tensor:
    """Run a basic block or a bottleneck of mmaction2's ResNet on one frame.

    Args:
        block: The block, with or without temporal shift.
        x: Features of the frame, ``(N, C, H, W)``.
        shift: Runs a shifting layer, see :class:`ShiftTape`.

    Returns:
        The block's output for this frame.
    """
    if isinstance(block, TemporalShift):
        return shift(block, x)
    conv1 = block.conv1
    if not isinstance(conv1.conv, TemporalShift):
        return block(x)
    out = conv1.activate(conv1.norm(shift(conv1.conv, x)))
    out = block.conv2(out)
    if hasattr(block, 'conv3'):
        out = block.conv3(out)
    return block.relu(out + (x if block.downsample is None else block.downsample(x)))


def step_inverted_residual(block: Any, x: Tensor, shift: ShiftStep) -> Tensor:
    """Run an inverted residual of mmaction2's MobileNetV2 on one frame.

    Args:
        block: The block, with or without temporal shift.
        x: Features of the frame, ``(N, C, H, W)``.
        shift: Runs a shifting layer, see :class:`ShiftTape`.

    Returns:
        The block's output for this frame.
    """
    first = block.conv[0]
    if not isinstance(first, TemporalShift):
        return block(x)
    return x + block.conv[1:](shift(first, x))
