"""ResNet with temporal shift (TSM, Lin et al., ICCV 2019)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from mmaction.models.backbones.resnet import ResNet
from torch import Tensor, nn

from mmvidext.layers.non_local import NonLocalBlock
from mmvidext.layers.online_block import ShiftStep, step_residual_block
from mmvidext.layers.temporal_pool import TemporalPool
from mmvidext.layers.temporal_shift import TemporalShift
from mmvidext.models.backbones.arguments import choose
from mmvidext.models.backbones.online import OnlineBackbone
from mmvidext.ops.backends import KernelBackend
from mmvidext.ops.checks import check_at_least
from mmvidext.registry import MODELS

__all__ = ['TSMResNet']

_MANY_BLOCKS = 23  # from this many blocks in layer3 on (R101), the official code shifts every second block


@MODELS.register_module()
class TSMResNet(OnlineBackbone, ResNet):
    """mmaction2's ResNet with temporal shift. State-dict keys are those of mmaction2's ``ResNetTSM``.

    The shift mixes neighboring frames inside the residual branches, so a 2D network sees motion at no extra
    parameters. In front of it ``clip`` frames travel in the batch dimension: ``(N*T, C, H, W)``.

    Source: https://arxiv.org/abs/1811.08383, code https://github.com/mit-han-lab/temporal-shift-module.

    Args:
        depth: 18, 34, 50, 101 or 152.
        num_segments: T, the number of frames in a clip.
        shift_div: Channels over the number of channels that move in one direction.
        shift_place: ``'blockres'`` shifts the input of each block's first convolution, so the shortcut keeps the frame
            as it is; ``'block'`` shifts the input of the whole block. With ``'blockres'`` from 101 layers on, every
            second block shifts.
        causal: Shift from the past only, which frame-by-frame inference (:meth:`initial_state`, :meth:`step`) needs.
        temporal_pool: Halve the number of frames in front of layer2.
        non_local: For each stage 0 or 1, or a tuple with 0 or 1 for each block: where a non-local block follows.
        non_local_cfg: Arguments of mmcv's ``NonLocal3d``.
        shift_backend: ``backend`` of :func:`mmvidext.ops.temporal_shift`.
        pretrained: Checkpoint to start from: ImageNet weights (torchvision's or mmaction2's keys), or a TSM checkpoint
            of mmaction2, of the official repository or of ours. None initializes from scratch, or by ``init_cfg``.
        **kwargs: Arguments of mmaction2's ``ResNet``. Activations write to new tensors, so that hooks on every module
            work; ``act_cfg=dict(type='ReLU', inplace=True)`` activates in place, as mmaction2 does.

    Raises:
        ValueError: If an argument is out of range, or ``causal`` is combined with a part that needs future frames.

    Example:
        >>> backbone = TSMResNet(50, num_segments=8)
        >>> backbone(torch.rand(2 * 8, 3, 224, 224)).shape
        torch.Size([16, 2048, 7, 7])
    """

    layer2: nn.Module

    added_parts: ClassVar[tuple[str, ...]] = (r'.*\.non_local_block\.',)

    def __init__(
        self,
        depth: int,
        num_segments: int = 8,
        *,
        shift_div: int = 8,
        shift_place: str = 'blockres',
        causal: bool = False,
        temporal_pool: bool = False,
        non_local: Sequence[int | Sequence[int]] = (0, 0, 0, 0),
        non_local_cfg: dict[str, Any] | None = None,
        shift_backend: KernelBackend = 'auto',
        pretrained: str | None = None,
        **kwargs: Any,
    ) -> None:
        choose(depth, tuple(self.arch_settings), name='depth', owner=type(self).__name__)
        super().__init__(depth, num_segments=num_segments, pretrained=pretrained, **kwargs)
        self.shift_div = shift_div
        self.shift_place = shift_place
        self.causal = causal
        self.shift_backend = shift_backend
        self.temporal_pool = temporal_pool
        self._check_arguments(non_local)
        self._make_temporal_shift()
        self._make_non_local(non_local, non_local_cfg or {})
        if temporal_pool:
            self.layer2 = TemporalPool(self.layer2, num_segments)
        self.train()

    def segments_in_stage(self, stage: int) -> int:
        """Return the number of frames in a clip that stage 1, 2, 3 or 4 works on."""
        return self.num_segments // 2 if self.temporal_pool and stage > 1 else self.num_segments

    def run_frame(self, frame: Tensor, shift: ShiftStep) -> Tensor | tuple[Tensor, ...]:
        """Return the features of one frame, running every shifting layer by ``shift``."""
        x = self.maxpool(self.conv1(frame))
        outputs = []
        for stage, name in enumerate(self.res_layers):
            for block in getattr(self, name):
                x = step_residual_block(block, x, shift)
            if stage in self.out_indices:
                outputs.append(x)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _check_arguments(self, non_local: Sequence[int | Sequence[int]]) -> None:
        check_at_least(self.num_segments, 1, name='num_segments')
        if self.shift_place not in ('blockres', 'block'):
            raise ValueError(f"shift_place must be 'blockres' or 'block', but is {self.shift_place!r}")
        if self.temporal_pool and self.num_segments % 2:
            raise ValueError(f'temporal_pool halves the frames, so num_segments={self.num_segments} must be even')
        if self.temporal_pool and self.num_stages < 2:
            raise ValueError(f'temporal_pool works in front of layer2, which num_stages={self.num_stages} leaves out')
        if not isinstance(non_local, Sequence) or len(non_local) < self.num_stages:
            raise ValueError(f'non_local needs an entry for each of {self.num_stages} stages, but is {non_local}')
        if self.causal and (self.temporal_pool or any(_flags(entry) for entry in non_local)):
            raise ValueError('causal=True excludes temporal_pool and non_local: both look at later frames')

    def _blocks_per_shift(self) -> int:
        """Return how many blocks go together of which the first one shifts."""
        return 2 if self.shift_place == 'blockres' and max(self.stage_blocks) >= _MANY_BLOCKS else 1

    def _make_temporal_shift(self) -> None:
        every = self._blocks_per_shift()
        for stage, name in enumerate(self.res_layers, start=1):
            layer = getattr(self, name)
            for index in range(0, len(layer), every):
                if self.shift_place == 'block':
                    layer[index] = self._shifted(layer[index], stage)
                else:
                    layer[index].conv1.conv = self._shifted(layer[index].conv1.conv, stage)

    def _shifted(self, net: nn.Module, stage: int) -> TemporalShift:
        return TemporalShift(
            net,
            self.segments_in_stage(stage),
            shift_div=self.shift_div,
            causal=self.causal,
            backend=self.shift_backend,
        )

    def _make_non_local(self, non_local: Sequence[int | Sequence[int]], non_local_cfg: dict[str, Any]) -> None:
        for stage, (name, entry) in enumerate(zip(self.res_layers, non_local, strict=False), start=1):
            layer = getattr(self, name)
            channels = 64 * 2 ** (stage - 1) * self.block.expansion
            flags = [entry] * len(layer) if isinstance(entry, int) else entry
            if len(flags) != len(layer):
                raise ValueError(f'non_local for {name} must have {len(layer)} entries, one for each block: {flags}')
            for index, flag in enumerate(flags):
                if flag:
                    layer[index] = NonLocalBlock(layer[index], channels, self.segments_in_stage(stage), non_local_cfg)


def _flags(entry: int | Sequence[int]) -> bool:
    return bool(entry) if isinstance(entry, int) else any(entry)
