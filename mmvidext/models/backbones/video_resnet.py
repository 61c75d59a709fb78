"""The residual video networks of "A Closer Look at Spatiotemporal Convolutions for Action Recognition".

https://arxiv.org/abs/1711.11248; official code: https://github.com/facebookresearch/VMZ. An architecture is a stem and
one convolution for each of the four stages, which are conv2 to conv5 in the paper.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from mmvidext.layers.video_block import (
    Conv,
    Norm,
    VideoBasicBlock,
    VideoBottleneck,
    basic_stem,
    conv1x3x3,
    conv2plus1d,
    conv3x3x3,
    factorized_mid_channels,
    factorized_stem,
    make_norm,
)
from mmvidext.models.backbones.arguments import choose
from mmvidext.models.backbones.staged_video_backbone import StagedVideoBackbone
from mmvidext.ops.checks import check_at_least, check_numbers
from mmvidext.registry import MODELS

__all__ = ['VideoResNet']

DEPTHS: dict[int, tuple[type[VideoBasicBlock] | type[VideoBottleneck], tuple[int, ...]]] = {
    18: (VideoBasicBlock, (2, 2, 2, 2)),
    34: (VideoBasicBlock, (3, 4, 6, 3)),
    50: (VideoBottleneck, (3, 4, 6, 3)),
    101: (VideoBottleneck, (3, 4, 23, 3)),
    152: (VideoBottleneck, (3, 8, 36, 3)),
}

_frame_stem = partial(basic_stem, frames=1)
_volume_stem = partial(basic_stem, frames=3, temporal_padding=1)


def _switch(early: Conv, late: Conv, level: int) -> tuple[Conv, ...]:
    """Return ``early`` for the stages before ``conv{level}`` and ``late`` from there on."""
    return (early,) * (level - 2) + (late,) * (6 - level)


ARCHITECTURES: dict[str, tuple[Callable[..., nn.Sequential], tuple[Conv, ...]]] = {
    'r2d': (basic_stem, (conv1x3x3,) * 4),
    'f_r2d': (_frame_stem, (conv1x3x3,) * 4),
    'r3d': (_volume_stem, (conv3x3x3,) * 4),
    **{f'mc{level}': (_volume_stem, _switch(conv3x3x3, conv1x3x3, level)) for level in range(2, 6)},
    **{f'rmc{level}': (_frame_stem, _switch(conv1x3x3, conv3x3x3, level)) for level in range(2, 6)},
    'r2plus1d': (factorized_stem, (conv2plus1d,) * 4),
}


@MODELS.register_module()
class VideoResNet(StagedVideoBackbone):
    """R2D, f-R2D, R3D, MCx, rMCx and R(2+1)D, with the parameter names of torchvision's video networks.

    A backbone for mmaction2's ``Recognizer3D`` and a head such as ``I3DHead``. Parameters and multiply-adds are those
    that VMZ publishes; ``docs/compatibility.md`` lists every difference.

    Args:
        arch: ``'r2d'`` (the frames of a clip are channels), ``'f_r2d'`` (each frame separately), ``'r3d'``, ``'mc2'``
            to ``'mc5'`` (3D before ``conv{x}``, 2D from there on), ``'rmc2'`` to ``'rmc5'`` (2D before ``conv{x}``, 3D
            from there on) or ``'r2plus1d'``.
        depth: 18, 34 (basic blocks), 50, 101 or 152 (bottlenecks).
        midplanes: Width inside a (2+1)D convolution: ``'per_conv'`` follows from its own channels (paper, VMZ),
            ``'per_block'`` from the channels of the block's first one (torchvision). For ``'r2plus1d'`` only.
        clip_len: Frames of a clip, for ``'r2d'`` only.
        in_channels: Channels of the clip.
        base_channels: Width of the stem and the first stage; the stages have 1, 2, 4 and 8 times as many.
        stem_mid_channels: Width inside the stem, for ``'r2plus1d'`` only; None is the official 45.
        with_pool: Max-pool after the stem, as VMZ does for large frames and for its 152-layer models.
        temporal_strides: Temporal stride of each stage; a stage of 1x3x3 convolutions has none.
        norm_cfg: Norm of every layer; None is batch norm with VMZ's epsilon 1e-3 (torchvision: 1e-5).
        **kwargs: ``out_indices``, ``frozen_stages``, ``norm_eval``, ``pretrained`` and ``init_cfg`` of
            :class:`StagedVideoBackbone`.

    Raises:
        ValueError: If an argument is not one of its valid values, or if ``arch`` has no use for it.

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
        **kwargs: Any,
    ) -> None:
        choose(arch, tuple(ARCHITECTURES), name='arch', owner='VideoResNet')
        choose(depth, tuple(DEPTHS), name='depth', owner='VideoResNet')
        choose(midplanes, ('per_conv', 'per_block'), name='midplanes', owner='VideoResNet')
        _check_for_arch(arch, midplanes, clip_len, stem_mid_channels)
        super().__init__(in_channels=in_channels, **kwargs)
        check_at_least(base_channels, 1, name='base_channels')
        make_stem, convs = ARCHITECTURES[arch]
        self.arch, self.depth, self.midplanes, self.clip_len = arch, depth, midplanes, clip_len
        self.temporal_strides = _temporal_strides(temporal_strides, convs)
        self.min_frames = clip_len or math.prod(self.temporal_strides[: self.num_stages])
        norm = partial(make_norm, norm_cfg or dict(type='BN3d', eps=1e-3))
        options = dict(frames=clip_len, mid_channels=stem_mid_channels)
        given = {name: value for name, value in options.items() if value is not None}
        self.stem = make_stem(in_channels, base_channels, norm=norm, **given)
        if with_pool:
            self.stem.append(nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)))
        self.add_stages(base_channels, DEPTHS[depth][1], partial(self._make_block, norm=norm))
        self.train()

    def _make_block(self, stage: int, index: int, in_channels: int, channels: int, *, norm: Norm) -> nn.Module:
        conv = ARCHITECTURES[self.arch][1][stage]
        if conv is conv2plus1d:
            mid_channels = factorized_mid_channels(in_channels, channels) if self.midplanes == 'per_block' else None
            conv = partial(conv2plus1d, norm=norm, mid_channels=mid_channels)
        space = 1 if stage == 0 else 2
        stride = (self.temporal_strides[stage], space, space) if index == 0 else (1, 1, 1)
        return DEPTHS[self.depth][0](in_channels, channels, conv=conv, norm=norm, stride=stride)

    def check_clip(self, clip: Tensor) -> None:
        """Raise ValueError unless the rank, the channels and the number of frames fit."""
        super().check_clip(clip)
        if self.clip_len is not None and clip.shape[2] != self.clip_len:
            raise ValueError(
                f'VideoResNet r2d folds exactly clip_len = {self.clip_len} frames, but the clip has {clip.shape[2]}; '
                'set clip_len of SampleFrames to the same number'
            )


def _check_for_arch(arch: str, midplanes: str, clip_len: int | None, stem_mid_channels: int | None) -> None:
    """Refuse arguments that ``arch`` has no use for, and a missing one."""
    if arch == 'r2d' and clip_len is None:
        raise ValueError("VideoResNet: arch 'r2d' folds a whole clip: set clip_len to its number of frames")
    if arch != 'r2d' and clip_len is not None:
        raise ValueError(f"VideoResNet: clip_len is for arch 'r2d' only; {arch!r} reads clips of any length")
    if clip_len is not None:
        check_at_least(clip_len, 1, name='clip_len')
    if stem_mid_channels is not None:
        check_at_least(stem_mid_channels, 1, name='stem_mid_channels')
    if arch != 'r2plus1d' and (midplanes != 'per_conv' or stem_mid_channels is not None):
        raise ValueError(f"VideoResNet: midplanes and stem_mid_channels are for arch 'r2plus1d' only, not {arch!r}")


def _temporal_strides(strides: Sequence[int], convs: Sequence[Conv]) -> tuple[int, ...]:
    """Return the temporal stride of each stage, 1 where it convolves over space only."""
    check_numbers(strides, 1, 1e6, name='temporal_strides', form='one for each of four stages', count=4, whole=True)
    return tuple(1 if conv is conv1x3x3 else stride for stride, conv in zip(strides, convs, strict=True))
