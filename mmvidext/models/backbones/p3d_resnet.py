"""Pseudo-3D residual networks, https://arxiv.org/abs/1711.10305."""

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from mmvidext.layers.pseudo_3d_block import Pseudo3dBlock
from mmvidext.models.backbones.staged_video_backbone import StagedVideoBackbone, choose
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
        out_indices: Which stages to return, 0 to 3, in increasing order, before the pooling that follows them.
        frozen_stages: Keep the stem (0) and the first stages (1 to 4) as they are; -1 trains everything.
        norm_eval: Keep every batch norm at its running statistics in training.
        pretrained: File with weights of this backbone; None initialises from scratch.
        init_cfg: mmengine's initialisation config, used where ``pretrained`` is None.

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
        out_indices: Sequence[int] = (3,),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        choose(depth, tuple(DEPTHS), name='depth', owner='P3DResNet')
        choose(blocks, BLOCKS, name='blocks', owner='P3DResNet')
        super().__init__(
            in_channels=in_channels,
            min_frames=2 ** (1 + max(out_indices, default=0)),
            out_indices=out_indices,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            pretrained=pretrained,
            init_cfg=init_cfg,
        )
        norm_cfg = norm_cfg or dict(type='BN3d')
        self.depth, self.blocks = depth, blocks
        self.stem = nn.Sequential(
            nn.Conv3d(in_channels, base_channels, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            build_norm_layer(norm_cfg, base_channels)[1],
            nn.ReLU(inplace=True),
            nn.MaxPool3d((2, 3, 3), stride=2, padding=(0, 1, 1)),
        )
        self.temporal_pool = nn.MaxPool3d((2, 1, 1), stride=(2, 1, 1))
        self._add_stages(base_channels, norm_cfg)
        self.out_channels = tuple(base_channels * 2**index * Pseudo3dBlock.expansion for index in self.out_indices)
        self.train()

    def _add_stages(self, base_channels: int, norm_cfg: dict[str, Any]) -> None:
        """Add ``layer1`` to ``layer4``; the blocks of the last one are two-dimensional."""
        channels, count = base_channels, 0
        for index in range(self.num_stages):
            width, layers = base_channels * 2**index, []
            for number in range(DEPTHS[self.depth][index]):
                kind = None if index == 3 else self.blocks[count % len(self.blocks)]
                stride = 2 if index > 0 and number == 0 else 1
                layers.append(Pseudo3dBlock(channels, width, kind=kind, stride=stride, norm_cfg=norm_cfg))
                channels, count = width * Pseudo3dBlock.expansion, count + 1
            self.add_module(f'layer{index + 1}', nn.Sequential(*layers))

    def run_stage(self, index: int, x: Tensor) -> Tensor:
        """Return the features of stage ``index``, whose input has half as many frames as the stage before."""
        return super().run_stage(index, x if index == 0 else self.temporal_pool(x))
