"""torchvision's video networks ``r3d_18``, ``mc3_18`` and ``r2plus1d_18``, and any VMZ network in the same layout.

The keys are those of ``VideoResNet``; which network it is shows in the shapes.
"""

import re

from mmvidext.checkpoints.layout import apply_layout, linear
from mmvidext.checkpoints.resnet_depths import depth_of
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.video_resnet_layout import VideoPlan, video_entries

__all__ = ['TORCHVISION_VIDEO', 'convert_video', 'is_per_conv', 'is_video']


def is_video(state_dict: StateDict) -> bool:
    """Whether these are the keys of a torchvision-style video network."""
    return 'stem.0.weight' in state_dict and any(name.startswith('layer1.0.conv1.') for name in state_dict)


def is_per_conv(state_dict: StateDict) -> bool:
    """Whether the widths inside (2+1)D convolutions follow from each convolution, as in VMZ, not from the block."""
    weight = state_dict.get('layer2.0.conv2.0.0.weight')
    return weight is not None and weight.shape[0] == 288  # torchvision's are 230 (basic block) and 329 (bottleneck)


def _kind(state_dict: StateDict, conv: str) -> str:
    if f'{conv}.0.weight' in state_dict:
        return 'factorized'
    weight = state_dict.get(f'{conv}.weight')
    return '3d' if weight is not None and weight.ndim == 5 and weight.shape[2] == 3 else '2d'


def convert_video(state_dict: StateDict, *, source: str, per_block: bool) -> StateDict:
    """Bring a torchvision-style video network into our layout, whatever its depth and convolutions."""
    blocks = {match.groups() for name in state_dict if (match := re.match(r'layer(\d)\.(\d+)\.', name))}
    counts = tuple(sum(stage == str(number) for stage, _ in blocks) for number in range(1, 5))
    bottleneck = any('.conv3.' in name for name in state_dict)
    depth_of(counts, bottleneck, source=source)
    middle = 'conv2' if bottleneck else 'conv1'
    plan = VideoPlan(
        counts=counts,
        bottleneck=bottleneck,
        kinds=tuple(_kind(state_dict, f'layer{stage}.0.{middle}.0') for stage in range(1, 5)),
        factorized_stem='stem.3.weight' in state_dict,
        per_block=per_block,
    )
    entries = [*video_entries(plan), *linear('fc', 'cls_head.fc_cls', plan.feature_channels)]
    return apply_layout(state_dict, entries, source=source)


TORCHVISION_VIDEO = Source(
    'torchvision_video',
    "torchvision.models.video: r3d_18, mc3_18, r2plus1d_18 (use with midplanes='per_block' and BN epsilon 1e-5)",
    lambda state_dict: is_video(state_dict) and not is_per_conv(state_dict),
    lambda state_dict: convert_video(state_dict, source='torchvision_video', per_block=True),
)
