"""Pseudo-3D residual networks, https://arxiv.org/abs/1711.10305."""

from functools import partial
from typing import Any

from torch import Tensor, nn

from mmvidext.layers.pseudo_3d_block import Pseudo3dBlock
from mmvidext.layers.video_block import Norm, basic_stem, make_norm
from mmvidext.models.backbones.arguments import choose
from mmvidext.models.backbones.staged_video_backbone import StagedVideoBackbone
from mmvidext.ops.checks import check_at_least
from mmvidext.registry import MODELS

__all__ = ['P3DResNet']

DEPTHS: dict[int, tuple[int, ...]] = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
BLOCKS = ('A', 'B', 'C', 'ABC')


@MODELS.register_module()
class P3DResNet(StagedVideoBackbone):
    """A ResNet whose 3x3 convolutions are split into space and time; the last stage is purely spatial.

    Between stages, and once after the stem, max-pooling halves the number of frames: 16 frames become one. A backbone
    for mmaction2's ``Recognizer3D``. Counted as the authors count layers, the depths are P3D-63, P3D-131 and P3D-199.

    Args:
        depth: 50, 101 or 152: the ResNet that is converted.
        blocks: ``'A'`` (time after space), ``'B'`` (beside it) or ``'C'`` (both) for one kind of block, or ``'ABC'`` to
            take them in turn, counted over the whole network. See :mod:`mmvidext.layers.pseudo_3d_block`.
        in_channels: Channels of the clip.
        base_channels: Width of the stem and inside the first stage.
        norm_cfg: Norm of every layer; None is ``dict(type='BN3d')``.
        **kwargs: ``out_indices`` (stages before the pooling that follows them), ``frozen_stages``, ``norm_eval``,
            ``pretrained`` and ``init_cfg`` of :class:`StagedVideoBackbone`.

    Raises:
        ValueError: If an argument is not one of its valid values; the message lists them.

    Example:
        >>> backbone = P3DResNet(50)
        >>> backbone(torch.rand(1, 3, 16, 160, 160)).shape
        torch.Size([1, 2048, 1, 5, 5])
    """

    def __init__(
        self,
        depth: int,
        blocks: str = 'ABC',
        *,
        in_channels: int = 3,
        base_channels: int = 64,
        norm_cfg: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        choose(depth, tuple(DEPTHS), name='depth', owner='P3DResNet')
        choose(blocks, BLOCKS, name='blocks', owner='P3DResNet')
        super().__init__(in_channels=in_channels, **kwargs)
        check_at_least(base_channels, 1, name='base_channels')
        self.depth, self.blocks = depth, blocks
        self.min_frames = 2**self.num_stages
        norm = partial(make_norm, norm_cfg or dict(type='BN3d'))
        self.stem = basic_stem(in_channels, base_channels, norm=norm, frames=1)
        self.stem.append(nn.MaxPool3d((2, 3, 3), stride=2, padding=(0, 1, 1)))
        self.temporal_pool = nn.MaxPool3d((2, 1, 1), stride=(2, 1, 1))
        self.add_stages(base_channels, DEPTHS[depth], partial(self._make_block, norm=norm))
        self.train()

    def _make_block(self, stage: int, index: int, in_channels: int, channels: int, *, norm: Norm) -> nn.Module:
        position = sum(DEPTHS[self.depth][:stage]) + index
        kind = None if stage == 3 else self.blocks[position % len(self.blocks)]
        stride = 2 if stage > 0 and index == 0 else 1
        return Pseudo3dBlock(in_channels, channels, kind=kind, norm=norm, stride=stride)

    def run_stage(self, index: int, x: Tensor) -> Tensor:
        """Return the features of stage ``index``, whose input has half as many frames as the stage before."""
        return super().run_stage(index, x if index == 0 else self.temporal_pool(x))
