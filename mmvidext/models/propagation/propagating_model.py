"""What every model around an image model does with key frames, whatever its task."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from mmvidext.models.propagation.feature_flow import FeatureFlow, KeyFrame, Motion
from mmvidext.models.propagation.freezing import freeze_modules

__all__ = ['PropagatingModel']

_FREEZABLE = ('feature', 'task', 'flow')


class PropagatingModel(nn.Module, ABC):
    """The part of Deep Feature Flow that segmentors and detectors share; a mixin, in front of a toolbox's base class.

    Attributes:
        feature_flow: Flow, warp and scale.
        key_frame_interval: Every how many frames of a stream a key frame comes.
    """

    feature_flow: FeatureFlow
    key_frame_interval: int
    data_preprocessor: Any
    _frozen: Sequence[nn.Module] = ()

    @abstractmethod
    def encode_maps(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Run the expensive part on a normalized frame ``(N, 3, H, W)``: what is propagated."""

    def encode_key_frame(self, frame: Tensor, image_sizes: Sequence[tuple[int, int]] | None = None) -> KeyFrame:
        """Run the expensive part on a normalized key frame.

        Args:
            frame: ``(N, 3, H, W)``.
            image_sizes: Height and width of each image inside its frame, where the rest is padding that the flow
                network must not see.
        """
        maps = self.encode_maps(frame)
        return KeyFrame(self.prepare_flow_frame(frame, image_sizes), maps)

    def prepare_flow_frame(self, frame: Tensor, image_sizes: Sequence[tuple[int, int]] | None = None) -> Tensor:
        """Turn a normalized frame ``(N, 3, H, W)`` into the flow network's half-size one."""
        return self.feature_flow.flow_input(self.data_preprocessor.denormalize(frame), image_sizes)

    def estimate_motion(
        self, frame: Tensor, key_frame: KeyFrame, image_sizes: Sequence[tuple[int, int]] | None = None
    ) -> Motion:
        """Estimate the motion from a normalized frame ``(N, 3, H, W)`` back to the key frame."""
        current = self.prepare_flow_frame(frame, image_sizes)
        return self.feature_flow.estimate(current, key_frame.flow_frame, maps=key_frame.maps)

    def warp_residual(
        self,
        frame: Tensor,
        key_frame: KeyFrame,
        motion: Motion,
        image_sizes: Sequence[tuple[int, int]] | None = None,
    ) -> Tensor:
        """Say how much a frame differs from its key frame warped onto it, and so how far to trust propagation.

        Args:
            frame: Normalized, ``(N, 3, H, W)``.
            key_frame: Its key frame.
            motion: From the frame to the key frame.
            image_sizes: As for :meth:`encode_key_frame`.

        Returns:
            ``(N,)``: mean absolute difference of the half-size frames, divided by the standard deviation of the frame.
        """
        current = self.prepare_flow_frame(frame, image_sizes)
        difference = (self.feature_flow.warp(key_frame.flow_frame, motion) - current).abs().mean((1, 2, 3))
        return difference / current.std((1, 2, 3)).clamp(min=1e-6)

    def train(self, mode: bool = True) -> Any:
        """Set the mode; frozen parts keep their statistics."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def freeze_parts(self, parts: Sequence[str], inner: nn.Module, task: Sequence[nn.Module]) -> None:
        """Freeze parts of the model, for good.

        Args:
            parts: ``'feature'`` (``inner`` without the task modules), ``'task'`` or ``'flow'`` (the flow network; the
                scale map still learns).
            inner: The image model.
            task: Its modules behind the maps.

        Raises:
            ValueError: If a part is unknown, or nothing is there to freeze.
        """
        if isinstance(parts, str):
            raise ValueError(f'freeze must be a list of {_FREEZABLE}, such as [{parts!r}], but is {parts!r}')
        unknown = set(parts) - set(_FREEZABLE)
        if unknown:
            raise ValueError(f'freeze may name {_FREEZABLE}, but got {sorted(unknown)}')
        if 'task' in parts and not task:
            raise ValueError("freeze='task' has no meaning with propagate='logits': nothing runs behind the warp")
        frozen = []
        if 'feature' in parts:
            frozen += freeze_modules([inner], keep=task)
        if 'task' in parts:
            frozen += freeze_modules(task)
        if 'flow' in parts:
            frozen += freeze_modules([self.feature_flow.flow_net])
        self._frozen = tuple(frozen)
