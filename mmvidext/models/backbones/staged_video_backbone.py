"""What the backbones that read whole clips have in common: stages, freezing, chosen outputs, initialization."""

from collections.abc import Callable, Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvidext.models.backbones.arguments import check_out_indices, check_start, choose
from mmvidext.models.backbones.pretrained import PretrainedBackbone
from mmvidext.ops.checks import check_at_least, check_rank

__all__ = ['StagedVideoBackbone']

DEFAULT_INIT = [
    dict(type='Kaiming', layer=['Conv2d', 'Conv3d']),
    dict(type='Constant', layer='_BatchNorm', val=1.0),
]


class StagedVideoBackbone(PretrainedBackbone, BaseModule):
    """A stem and up to four stages over clips ``(N, C, T, H, W)``.

    Subclasses build ``stem``, call :meth:`add_stages` for ``layer1`` to ``layer4``, and set ``min_frames``, the
    shortest clip that the temporal strides leave a frame of. Stages after the last one in ``out_indices`` are not
    built, because nothing would train them.

    Args:
        in_channels: Channels of the clip.
        out_indices: Which stages to return, 0 to 3, in increasing order.
        frozen_stages: Keep the stem (0) and the first stages (1 to 4) as they are; -1 trains everything.
        norm_eval: Keep every batch norm at its running statistics in training.
        pretrained: File with weights of this backbone or of a recognizer with it, official or ours. None initializes
            from scratch.
        init_cfg: mmengine's initialization config, used where ``pretrained`` is None. Its default is Kaiming's normal
            distribution (fan out) for convolutions.

    Raises:
        ValueError: If a stage does not exist, ``pretrained`` is empty, or ``init_cfg`` is given, too.
    """

    stem: nn.Sequential
    min_frames: int
    out_channels: tuple[int, ...]

    def __init__(
        self,
        *,
        in_channels: int = 3,
        out_indices: Sequence[int] = (3,),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        name = type(self).__name__
        check_at_least(in_channels, 1, name='in_channels')
        check_out_indices(out_indices, 4, owner=name)
        num_stages = out_indices[-1] + 1
        choose(frozen_stages, range(-1, num_stages + 1), name='frozen_stages', owner=name)
        check_start(pretrained, init_cfg, owner=name)
        super().__init__(init_cfg=DEFAULT_INIT if init_cfg is None else init_cfg)
        self.in_channels = in_channels
        self.num_stages = num_stages
        self.out_indices = tuple(out_indices)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.pretrained = pretrained

    def add_stages(
        self, base_channels: int, counts: Sequence[int], make_block: Callable[[int, int, int, int], nn.Module]
    ) -> None:
        """Add ``layer1`` to ``layer4`` and publish ``out_channels``.

        Args:
            base_channels: Width of the stem and of the first stage; it doubles with each stage.
            counts: Blocks of each stage.
            make_block: Builds one from its stage, its index in the stage, its input channels and its width. The block's
                class says as ``expansion`` how many times the width comes out.
        """
        channels = base_channels
        outputs = []
        for stage in range(self.num_stages):
            blocks = nn.Sequential()
            for index in range(counts[stage]):
                width = base_channels * 2**stage
                blocks.append(make_block(stage, index, channels, width))
                channels = width * blocks[0].expansion
            self.add_module(f'layer{stage + 1}', blocks)
            outputs.append(channels)
        self.out_channels = tuple(outputs[stage] for stage in self.out_indices)

    def stage(self, index: int) -> nn.Module:
        """Return stage ``index``, counted from 0."""
        return getattr(self, f'layer{index + 1}')

    def run_stage(self, index: int, x: Tensor) -> Tensor:
        """Return the features of stage ``index``, given those of the one before."""
        return self.stage(index)(x)

    def check_clip(self, clip: Tensor) -> None:
        """Raise ValueError unless the rank, the channels and the number of frames fit."""
        name = type(self).__name__
        check_rank(clip, '(N, C, T, H, W)', name=f'the clip for {name}')
        if clip.shape[1] != self.in_channels:
            raise ValueError(
                f'{name} reads (N, C, T, H, W) with C = {self.in_channels}, but the shape is {tuple(clip.shape)}'
            )
        if clip.shape[2] < self.min_frames:
            raise ValueError(
                f'{name}: a clip of {clip.shape[2]} frames is too short for the temporal strides, which need at least '
                f'{self.min_frames}; sample longer clips (clip_len of SampleFrames)'
            )

    def forward(self, clip: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Extract features.

        Args:
            clip: Frames, ``(N, C, T, H, W)``.

        Returns:
            The chosen stages, ``(N, C', T', H', W')``; a tuple where there is more than one.

        Raises:
            ValueError: If the rank, the channels or the number of frames do not fit.
        """
        self.check_clip(clip)
        x = self.stem(clip)
        outputs = []
        for index in range(self.num_stages):
            x = self.run_stage(index, x)
            if index in self.out_indices:
                outputs.append(x)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def train(self, mode: bool = True) -> 'StagedVideoBackbone':
        """Switch to training; frozen stages and, with ``norm_eval``, batch norms stay as in evaluation."""
        super().train(mode)
        frozen = [self.stem, *(self.stage(i) for i in range(self.num_stages))][: self.frozen_stages + 1]
        for module in frozen:
            module.eval()
            module.requires_grad_(False)
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
