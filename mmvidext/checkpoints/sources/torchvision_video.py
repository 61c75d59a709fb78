"""torchvision's video networks ``r3d_18``, ``mc3_18`` and ``r2plus1d_18``, and any VMZ network in the same layout.

The keys are those of ``VideoResNet``; which network it is shows in the shapes.
"""

import re

from mmvidext.checkpoints.layout import apply_layout, classifier
from mmvidext.checkpoints.resnet_depths import find_depth
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.video_resnet_layout import VideoPlan, stage_kind, video_entries
from mmvidext.checkpoints.votes import majority

__all__ = ['TORCHVISION_VIDEO', 'convert_video', 'is_per_conv', 'is_video']

_IN_BLOCK = re.compile(r'layer\d\.\d+\.(conv\d|downsample)\.\d\.')
_SECOND_STEM = ('stem.3.weight', 'stem.4.weight', 'stem.4.bias', 'stem.4.running_mean', 'stem.4.running_var')


def is_video(state_dict: StateDict) -> bool:
    """Whether these are the keys of a torchvision-style video network."""
    has_stem = any(name.startswith('stem.') for name in state_dict)
    return has_stem and majority(bool(_IN_BLOCK.match(name)) for name in state_dict)


def is_per_conv(state_dict: StateDict) -> bool:
    """Whether the widths inside (2+1)D convolutions follow from each convolution, as in VMZ, not from the block."""
    inside = ('0.weight', '1.weight', '1.bias', '1.running_mean', '1.running_var')
    tensors = [state_dict.get(f'layer2.0.conv2.0.{name}') for name in inside]
    # torchvision's are 230 (basic block) and 329 (bottleneck)
    return majority(tensor is not None and tuple(tensor.shape[:1]) == (288,) for tensor in tensors)


def _kind(state_dict: StateDict, stage: int, *, bottleneck: bool) -> str:
    numbers = '2' if bottleneck else '12'
    name_of_weight = re.compile(rf'layer{stage}\.\d+\.conv[{numbers}]\.0\.(3\.)?weight')
    return stage_kind(tensor for name, tensor in state_dict.items() if name_of_weight.fullmatch(name))


def convert_video(state_dict: StateDict, *, source: str, per_block: bool) -> StateDict:
    """Bring a torchvision-style video network into our layout, whatever its depth and convolutions."""
    counts, bottleneck = find_depth(state_dict, source=source)
    plan = VideoPlan(
        counts=counts,
        bottleneck=bottleneck,
        kinds=tuple(_kind(state_dict, stage, bottleneck=bottleneck) for stage in range(1, 5)),
        factorized_stem=majority(name in state_dict for name in _SECOND_STEM),
        per_block=per_block,
    )
    entries = [*video_entries(plan), *classifier(state_dict, ('fc',), plan.feature_channels)]
    return apply_layout(state_dict, entries, source=source)


TORCHVISION_VIDEO = Source(
    'torchvision_video',
    "torchvision.models.video: r3d_18, mc3_18, r2plus1d_18 (use with midplanes='per_block' and BN epsilon 1e-5)",
    lambda state_dict: is_video(state_dict) and not is_per_conv(state_dict),
    lambda state_dict: convert_video(state_dict, source='torchvision_video', per_block=True),
)
