"""The online form of a backbone with causal temporal shift: frame in, features out, state in the caller's hands."""

from abc import abstractmethod

import torch
from torch import Tensor
from torch.func import functional_call

from mmvidext.layers.online_block import ShiftStep, ShiftTape
from mmvidext.layers.temporal_shift import TemporalShift
from mmvidext.models.backbones.frame_backbone import FrameBackbone
from mmvidext.ops.checks import check_rank

__all__ = ['OnlineBackbone']

Features = Tensor | tuple[Tensor, ...]


class OnlineBackbone(FrameBackbone):
    """Adds :meth:`initial_state` and :meth:`step` to a backbone whose shifts use past frames only (TSM, section 4.2).

    The state is a plain tuple of tensors, one for each shifting layer: the part of its input that moves to the next
    frame. The module keeps nothing, so that any number of streams can run in one batch, and a stream can be paused,
    copied, moved to another device, or exported as inputs and outputs of a graph.

    Frame by frame, a step gives exactly what the same frame gets within a clip, on every stage.
    """

    causal: bool

    @abstractmethod
    def run_frame(self, frame: Tensor, shift: ShiftStep) -> Features:
        """Return the features of one frame, running every shifting layer by ``shift``."""

    def shift_layers(self) -> list[TemporalShift]:
        """Return the layers that shift, in the order in which they run."""
        return [module for module in self.modules() if isinstance(module, TemporalShift)]

    def initial_state(self, batch_size: int, height: int, width: int) -> tuple[Tensor, ...]:
        """Return the state before the first frame: zeros.

        Args:
            batch_size: Streams that run together, ``N``.
            height: Height of the frames, in pixels.
            width: Width of the frames, in pixels.

        Returns:
            One tensor ``(N, C / shift_div, H', W')`` for each shifting layer, with the weights' dtype and device.

        Raises:
            ValueError: If the backbone is not causal, or if a size is below 1.
        """
        self._check_online()
        if min(batch_size, height, width) < 1:
            raise ValueError(
                f'a state needs batch_size, height and width of at least 1, not {(batch_size, height, width)}'
            )
        weight = next(self.parameters())
        return tuple(
            weight.new_zeros(batch_size, shape[1] // layer.shift_div, *shape[2:])
            for layer, shape in zip(self.shift_layers(), self._shift_shapes(height, width), strict=True)
        )

    def step(self, frame: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Features, tuple[Tensor, ...]]:
        """Extract the features of the next frame of each stream.

        Args:
            frame: One frame of each stream, ``(N, 3, H, W)``.
            state: What :meth:`initial_state` or the previous step returned. It is not changed. None starts anew.

        Returns:
            The features as the clip form returns them, for this frame, and the state for the next one.

        Raises:
            ValueError: If the backbone is not causal, or the frame or the state has the wrong shape.
        """
        self._check_online()
        check_rank(frame, '(N, 3, H, W)', name='frame')
        if state is None:
            state = self.initial_state(frame.shape[0], *frame.shape[2:])
        wanted = len(self.shift_layers())
        if len(state) != wanted:
            raise ValueError(f'the state has {len(state)} tensors, but this backbone shifts in {wanted} layers')
        for cache in state:
            check_rank(cache, '(N, C, H, W)', name='each tensor of the state')
            if cache.shape[0] != frame.shape[0]:
                raise ValueError(
                    f'the state is of {cache.shape[0]} streams, but the frame of {frame.shape[0]}; start it with '
                    f'initial_state({frame.shape[0]}, {frame.shape[2]}, {frame.shape[3]})'
                )
        tape = ShiftTape(state)
        features = self.run_frame(frame, tape)
        return features, tape.caches

    def _check_online(self) -> None:
        if not self.causal:
            raise ValueError(
                f'{type(self).__name__} looks one frame ahead: build it with causal=True, and train it so, to run it '
                'frame by frame'
            )

    def _shift_shapes(self, height: int, width: int) -> list[torch.Size]:
        """Return the shape of every shifting layer's input, from a forward pass that computes shapes only."""
        shapes: list[torch.Size] = []
        layers = self.shift_layers()
        hooks = [layer.register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape)) for layer in layers]
        tensors = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        clip = torch.empty(layers[0].num_segments if layers else 1, 3, height, width, device='meta')
        try:
            with torch.no_grad():
                functional_call(self, {name: tensor.to('meta') for name, tensor in tensors.items()}, (clip,))
        finally:
            for hook in hooks:
                hook.remove()
        return shapes
