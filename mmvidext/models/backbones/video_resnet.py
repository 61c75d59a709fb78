"""The residual video networks of "A Closer Look at Spatiotemporal Convolutions for Action Recognition".

https://arxiv.org/abs/1711.11248; official code: https://github.com/facebookresearch/VMZ. One arrangement of stem and
stages; an architecture is a choice of stem and of one convolution for each stage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from mmvidext.layers.video_block import VideoBasicBlock, VideoBottleneck
from mmvidext.layers.video_conv import Conv2Plus1d, FullConv3d, SpatialConv3d, VideoConv
from mmvidext.layers.video_stem import BasicStem, FactorizedStem
from mmvidext.models.backbones.staged_video_backbone import StagedVideoBackbone, choose
from mmvidext.registry import MODELS

__all__ = ['VideoResNet']

DEPTHS: dict[int, tuple[type[VideoBasicBlock] | type[VideoBottleneck], tuple[int, ...]]] = {
    18: (VideoBasicBlock, (2, 2, 2, 2)),
    34: (VideoBasicBlock, (3, 4, 6, 3)),
    50: (VideoBottleneck, (3, 4, 6, 3)),
    101: (VideoBottleneck, (3, 4, 23, 3)),
    152: (VideoBottleneck, (3, 8, 36, 3)),
}


@dataclass(frozen=True)
class _Architecture:
    """Which stem, and which convolution in each of the four stages (conv2 to conv5 in the paper's words)."""

    stem: str
    convs: tuple[type[VideoConv], ...]


def _mixed(stem: str, *, first: type[VideoConv], then: type[VideoConv], level: int) -> _Architecture:
    """Use ``first`` in the stages before ``conv{level}`` and ``then`` from there on."""
    return _Architecture(stem, tuple(first if number < level else then for number in range(2, 6)))


ARCHITECTURES: dict[str, _Architecture] = {
    'r2d': _Architecture('fold', (SpatialConv3d,) * 4),
    'f_r2d': _Architecture('frame', (SpatialConv3d,) * 4),
    'r3d': _Architecture('volume', (FullConv3d,) * 4),
    **{f'mc{n}': _mixed('volume', first=FullConv3d, then=SpatialConv3d, level=n) for n in range(2, 6)},
    **{f'rmc{n}': _mixed('frame', first=SpatialConv3d, then=FullConv3d, level=n) for n in range(2, 6)},
    'r2plus1d': _Architecture('factorized', (Conv2Plus1d,) * 4),
}


@MODELS.register_module()
class VideoResNet(StagedVideoBackbone):
    """R2D, f-R2D, R3D, MCx, rMCx and R(2+1)D, with the parameter names of torchvision's video networks.

    A backbone for mmaction2's ``Recognizer3D``; a head such as ``I3DHead`` pools and classifies. Numbers of parameters
    and multiply-adds are those that VMZ publishes; ``docs/compatibility.md`` has the table of differences.

    Args:
        arch: ``'r2d'`` (frames folded into channels), ``'f_r2d'`` (each frame for itself), ``'r3d'``, ``'mc2'`` to
            ``'mc5'`` (3D before ``conv{x}``, 2D from there on), ``'rmc2'`` to ``'rmc5'`` (2D before ``conv{x}``, 3D
            from there on) or ``'r2plus1d'``.
        depth: 18, 34 (basic blocks), 50, 101 or 152 (bottlenecks).
        midplanes: Width between the halves of a (2+1)D convolution. ``'per_conv'`` computes it for each convolution
            (paper, VMZ); ``'per_block'`` once per block from the block's input and width (torchvision). For
            ``'r2plus1d'`` only.
        clip_len: Frames of a clip for ``'r2d'``, whose stem spans the whole clip. None for every other ``arch``.
        in_channels: Channels of the clip.
        base_channels: Width of the stem and the first stage; the stages have 1, 2, 4 and 8 times as many.
        stem_mid_channels: Width inside the stem of ``'r2plus1d'``; the official 45 if None.
        with_pool: Max-pool after the stem, as the official code does for large frames and for its 152-layer models.
        temporal_strides: Temporal stride of each stage, applied where the stage convolves over time.
        norm_cfg: Norm of every layer; None is batch norm with the official epsilon 1e-3 (torchvision: 1e-5).
        out_indices: Which stages to return, 0 to 3, in increasing order.
        frozen_stages: Keep the stem (0) and the first stages (1 to 4) as they are; -1 trains everything.
        norm_eval: Keep every batch norm at its running statistics in training.
        pretrained: File with converted weights; None initialises from scratch.
        init_cfg: mmengine's initialisation config, used where ``pretrained`` is None.

    Raises:
        ValueError: If an argument is not one of its valid values; the message lists them.

    Example:
        >>> backbone = VideoResNet('r2plus1d', 18)
        >>> backbone(torch.rand(2, 3, 16, 112, 112)).shape
        torch.Size([2, 512, 2, 7, 7])
    """

    def __init__(
        self,
        arch: str,
        depth: int,
        *,
        midplanes: str = 'per_conv',
        clip_len: int | None = None,
        in_channels: int = 3,
        base_channels: int = 64,
        stem_mid_channels: int | None = None,
        with_pool: bool = False,
        temporal_strides: Sequence[int] = (1, 2, 2, 2),
        norm_cfg: dict[str, Any] | None = None,
        out_indices: Sequence[int] = (3,),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        choose(arch, tuple(ARCHITECTURES), name='arch', owner='VideoResNet')
        choose(depth, tuple(DEPTHS), name='depth', owner='VideoResNet')
        choose(midplanes, ('per_conv', 'per_block'), name='midplanes', owner='VideoResNet')
        _check_for_arch(arch, midplanes, clip_len, stem_mid_channels)
        architecture = ARCHITECTURES[arch]
        strides = _temporal_strides(architecture, temporal_strides)
        super().__init__(
            in_channels=in_channels,
            min_frames=clip_len or _product(strides[: max(out_indices, default=0) + 1]),
            out_indices=out_indices,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            pretrained=pretrained,
            init_cfg=init_cfg,
        )
        self.arch, self.depth, self.clip_len = arch, depth, clip_len
        self.stem = _make_stem(
            architecture.stem,
            in_channels,
            base_channels,
            clip_len=clip_len,
            mid_channels=45 if stem_mid_channels is None else stem_mid_channels,
            with_pool=with_pool,
            norm_cfg=norm_cfg,
        )
        self._add_stages(architecture.convs, base_channels, strides, midplanes=midplanes, norm_cfg=norm_cfg)
        self.train()

    def _add_stages(
        self,
        convs: Sequence[type[VideoConv]],
        base_channels: int,
        temporal_strides: Sequence[int],
        *,
        midplanes: str,
        norm_cfg: dict[str, Any] | None,
    ) -> None:
        """Add ``layer1`` to ``layer4``, one kind of convolution each."""
        block, counts = DEPTHS[self.depth]
        channels = base_channels
        for index in range(self.num_stages):
            width = base_channels * 2**index
            blocks = []
            for number in range(counts[index]):
                stride = (temporal_strides[index], 1 if index == 0 else 2) if number == 0 else (1, 1)
                blocks.append(
                    block(channels, width, conv=convs[index], stride=stride, midplanes=midplanes, norm_cfg=norm_cfg)
                )
                channels = width * block.expansion
            self.add_module(f'layer{index + 1}', nn.Sequential(*blocks))
        self.out_channels = tuple(base_channels * 2**index * block.expansion for index in self.out_indices)

    def check_clip(self, clip: Any) -> None:
        """Raise unless ``clip`` can be read.

        Raises:
            ValueError: If the rank, the channels or the number of frames do not fit.
        """
        super().check_clip(clip)
        if self.clip_len is not None and clip.shape[2] != self.clip_len:
            raise ValueError(
                f'VideoResNet r2d folds exactly clip_len = {self.clip_len} frames, but the clip has {clip.shape[2]}; '
                'the same number belongs in clip_len of SampleFrames'
            )


def _check_for_arch(arch: str, midplanes: str, clip_len: int | None, stem_mid_channels: int | None) -> None:
    """Refuse arguments that ``arch`` would ignore, and a missing one."""
    if arch == 'r2d' and (clip_len is None or clip_len < 1):
        raise ValueError("VideoResNet: arch 'r2d' folds a whole clip: set clip_len to its number of frames")
    if arch != 'r2d' and clip_len is not None:
        raise ValueError(f"VideoResNet: clip_len is for arch 'r2d' only; {arch!r} reads clips of any length")
    if stem_mid_channels is not None and stem_mid_channels < 1:
        raise ValueError(f'VideoResNet: stem_mid_channels must be at least 1, or None, but is {stem_mid_channels}')
    if arch != 'r2plus1d' and (midplanes != 'per_conv' or stem_mid_channels is not None):
        raise ValueError(f"VideoResNet: midplanes and stem_mid_channels are for arch 'r2plus1d' only, not {arch!r}")


def _temporal_strides(architecture: _Architecture, wanted: Sequence[int]) -> tuple[int, ...]:
    """Return the temporal stride of each stage: 1 where it convolves over space only."""
    if len(wanted) != 4 or min(wanted) < 1:
        raise ValueError(f'VideoResNet: temporal_strides must be four positive numbers, not {tuple(wanted)}')
    return tuple(stride if conv.temporal else 1 for stride, conv in zip(wanted, architecture.convs, strict=True))


def _product(values: Sequence[int]) -> int:
    product = 1
    for value in values:
        product *= value
    return product


def _make_stem(
    kind: str,
    in_channels: int,
    out_channels: int,
    *,
    clip_len: int | None,
    mid_channels: int,
    with_pool: bool,
    norm_cfg: dict[str, Any] | None,
) -> nn.Module:
    if kind == 'factorized':
        return FactorizedStem(
            in_channels, out_channels, mid_channels=mid_channels, with_pool=with_pool, norm_cfg=norm_cfg
        )
    kernel = {'fold': clip_len, 'frame': 1, 'volume': 3}[kind]
    return BasicStem(
        in_channels,
        out_channels,
        temporal_kernel=kernel or 1,
        fold_frames=kind == 'fold',
        with_pool=with_pool,
        norm_cfg=norm_cfg,
    )
