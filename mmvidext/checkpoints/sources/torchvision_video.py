"""torchvision's video networks ``r3d_18``, ``mc3_18`` and ``r2plus1d_18``; VMZ's PyTorch hub uses the same names."""

from mmvidext.checkpoints.read import StateDict
from mmvidext.checkpoints.source import HEAD, KINETICS_INPUT, Rules, Source

__all__ = ['RULES', 'TORCHVISION_VIDEO', 'is_per_conv', 'is_video']

RULES: Rules = ((r'^fc\.', HEAD), (r'^(?=stem\.|layer\d\.)', 'backbone.'))


def is_video(weights: StateDict) -> bool:
    """Whether these are the names of a torchvision-style video network."""
    return any(name.startswith('stem.') for name in weights) and any('.conv1.0.' in name for name in weights)


def is_per_conv(weights: StateDict) -> bool:
    """Whether the widths inside (2+1)D convolutions follow from each convolution, as in VMZ, not from the block."""
    names = ('0.weight', '1.weight', '1.bias', '1.running_mean', '1.running_var')
    found = [weights[name] for name in (f'layer2.0.conv2.0.{end}' for end in names) if name in weights]
    # torchvision's are 230 and 329; two, so that a single damaged tensor does not tell
    return sum(tuple(tensor.shape[:1]) == (288,) for tensor in found) >= 2


TORCHVISION_VIDEO = Source(
    'torchvision_video',
    "torchvision.models.video: r3d_18, mc3_18, r2plus1d_18 (use with midplanes='per_block' and BN epsilon 1e-5)",
    lambda weights: is_video(weights) and not is_per_conv(weights),
    RULES,
    settings={**KINETICS_INPUT, '_BatchNorm': dict(eps=1e-5)},
)
