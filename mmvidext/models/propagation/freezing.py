"""Freeze parts of a model: no gradients, and statistics that stay."""

from collections.abc import Iterable

from torch import nn

__all__ = ['freeze_modules']


def freeze_modules(modules: Iterable[nn.Module], *, keep: Iterable[nn.Module] = ()) -> list[nn.Module]:
    """Stop the training of modules.

    Args:
        modules: What is frozen, with all its parts.
        keep: Parts of them that go on learning.

    Returns:
        The frozen layers: put them into evaluation mode after each ``model.train()``, so that batch norms keep their
        statistics and dropout stays off.
    """
    kept = {id(part) for module in keep for part in module.modules()}
    layers = []
    for module in modules:
        for part in module.modules():
            if id(part) in kept:
                continue
            for parameter in part.parameters(recurse=False):
                parameter.requires_grad_(False)
            if not any(id(inner) in kept for inner in part.modules()):
                layers.append(part)
    return layers
