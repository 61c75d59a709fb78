"""TSM-ResNet with a MotionSqueeze layer (Kwon et al., ECCV 2020)."""

from typing import Any, ClassVar

from mmvidext.layers.motion_squeeze import MotionSqueeze
from mmvidext.models.backbones.arguments import choose
from mmvidext.models.backbones.tsm_resnet import TSMResNet
from mmvidext.registry import MODELS

__all__ = ['MSResNet']


@MODELS.register_module()
class MSResNet(TSMResNet):
    """TSM-ResNet with one :class:`~mmvidext.layers.MotionSqueeze` layer at the end of a stage ("MSNet" in the paper).

    Source: https://arxiv.org/abs/2007.09933, section 3; code https://github.com/arunos728/MotionSqueeze.

    Args:
        depth: 18, 34, 50, 101 or 152.
        num_segments: T, the number of frames in a clip.
        motion_stage: The layer comes last in ``layer{motion_stage}``, 1 to 4. The paper's place is 2; the features are
            28x28 there for 224x224 frames.
        motion_squeeze: Arguments of ``MotionSqueeze`` other than ``in_channels`` and ``num_segments``.
        **kwargs: Arguments of :class:`TSMResNet`. ``causal`` is not among them: displacement needs the next frame.

    Raises:
        ValueError: If an argument is out of range, or ``causal`` is asked for.

    Example:
        >>> backbone = MSResNet(18, num_segments=8)
        >>> backbone(torch.rand(2 * 8, 3, 224, 224)).shape
        torch.Size([16, 512, 7, 7])
    """

    added_parts: ClassVar[tuple[str, ...]] = (*TSMResNet.added_parts, r'.*\.motion_squeeze\.')

    def __init__(
        self,
        depth: int,
        num_segments: int = 8,
        *,
        motion_stage: int = 2,
        motion_squeeze: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.get('causal'):
            raise ValueError('MSResNet cannot be causal: the displacement of a frame is toward the next one')
        super().__init__(depth, num_segments, **kwargs)
        choose(motion_stage, range(1, self.num_stages + 1), name='motion_stage', owner='MSResNet')
        stage = getattr(self, f'layer{motion_stage}')
        blocks = stage.net if self.temporal_pool and motion_stage == 2 else stage
        channels = 64 * 2 ** (motion_stage - 1) * self.block.expansion
        layer = MotionSqueeze(channels, self.segments_in_stage(motion_stage), **(motion_squeeze or {}))
        blocks.add_module('motion_squeeze', layer)
        self.motion_stage = motion_stage
        self.train()  # freezes the new layer, too

    def _blocks_per_shift(self) -> int:
        return 1  # the official MotionSqueeze code has no rule for deep networks

    @property
    def motion_squeeze(self) -> MotionSqueeze:
        """The MotionSqueeze layer, for :meth:`~mmvidext.layers.MotionSqueeze.estimate_motion`."""
        return next(module for module in self.modules() if isinstance(module, MotionSqueeze))
