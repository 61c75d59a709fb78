"""Initialise a backbone from a checkpoint of its own, of a whole recogniser, or of ImageNet."""

import re
from collections.abc import Iterable
from pathlib import Path

from mmengine.logging import MMLogger
from torch import nn

from mmvidext.checkpoints.convert import convert_checkpoint, find_source
from mmvidext.checkpoints.fit import different_shapes
from mmvidext.checkpoints.loading import load_checkpoint_file
from mmvidext.checkpoints.source import StateDict

__all__ = ['load_backbone']

# what a video backbone adds to the 2D network that its weights may come from
_ADDED = ('non_local_block', 'motion_squeeze', 'offset_net', 'weight_net')
# modules around a layer that stand in our names and not in a 2D network's
_WRAPPERS = ('net', 'net2', 'block')


def load_backbone(backbone: nn.Module, path: str | Path) -> None:
    """Load weights and log what was loaded, missing and unexpected.

    Args:
        backbone: The module to fill.
        path: A checkpoint file. An official one is converted; from a whole recogniser only ``backbone.*`` is taken; a
            2D ResNet's (torchvision's or mmaction2's keys) goes into the layers that the video network shares with it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the checkpoint is of another depth or width: a tensor has another shape, a layer of either is not
            in the other.
    """
    weights = load_checkpoint_file(path)
    if find_source(weights) is not None:
        weights = convert_checkpoint(weights)
    if any(name.startswith('backbone.') for name in weights):
        weights = {
            name.removeprefix('backbone.'): tensor for name, tensor in weights.items() if name.startswith('backbone.')
        }
    own = backbone.state_dict()
    weights = _rename(weights, own)
    differences = different_shapes(own, weights)
    missing = [name for name in own if name not in weights]
    unexpected = [name for name in weights if name not in own]
    differences += [f'{name} is missing' for name in _layers(missing) if not any(part in name for part in _ADDED)]
    differences += [f'{name} is not in the model' for name in _layers(unexpected)]
    if differences or len(missing) == len(own):
        raise ValueError(
            f'{path} is of another {type(backbone).__name__} (depth, arch or width): '
            f'{"; ".join(differences[:5]) or "no key fits"}'
        )
    backbone.load_state_dict(weights, strict=False)
    MMLogger.get_current_instance().info(
        f'{path}: {len(own) - len(missing)} tensors loaded; missing: {missing}; unexpected: {unexpected}'
    )


def _layers(names: Iterable[str]) -> list[str]:
    """Return the names of weights inside the stages."""
    return [name for name in names if re.match(r'layer\d', name) and not name.endswith('num_batches_tracked')]


def _rename(weights: StateDict, own: StateDict) -> StateDict:
    """Give the names of a 2D ResNet the form that they have in ``own``; leave all others."""
    by_plain_name = {_plain(name): name for name in own}
    return {
        name if name in own else by_plain_name.get(_plain(_from_torchvision(name)), name): tensor
        for name, tensor in weights.items()
    }


def _plain(name: str) -> str:
    """Drop the wrapping modules from a name."""
    return '.'.join(part for part in name.split('.') if part not in _WRAPPERS)


def _from_torchvision(name: str) -> str:
    """Turn torchvision's name of a ResNet weight into mmaction2's; leave any other."""
    name = re.sub(r'(^|\.)conv(\d)\.(weight|bias)$', r'\1conv\2.conv.\3', name)
    name = re.sub(r'(^|\.)bn(\d)\.', r'\1conv\2.bn.', name)
    return name.replace('downsample.0.', 'downsample.conv.').replace('downsample.1.', 'downsample.bn.')
