"""What a model must be set to for the weights of a source: no tensor shows it, but the outputs differ."""

from collections.abc import Collection, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mmvidext.checkpoints.source import Source
from mmvidext.checkpoints.sources import SOURCES

__all__ = ['check_settings', 'wrong_settings', 'wrong_settings_of']


def check_settings(model: nn.Module, source: str | None) -> None:
    """Check a model whose part has got weights of a source, in what the part does not know: how images are prepared.

    Args:
        model: The model.
        source: Name of the source; None for weights of our own.

    Raises:
        ValueError: If a module is set otherwise than in the official network.
    """
    wrong = wrong_settings_of(source, model, model.state_dict())
    if wrong:
        raise ValueError(f'the weights of {source} do not fit this {type(model).__name__}: {"; ".join(wrong)}')


def wrong_settings_of(name: object, model: nn.Module, loaded: Collection[str]) -> list[str]:
    """Say which modules are not set as in the network of a source, by its name; one may have several layouts."""
    sources = [source for source in SOURCES if source.name == name]
    return min((list(wrong_settings(model, source, loaded)) for source in sources), key=len, default=[])


def wrong_settings(model: nn.Module, source: Source, loaded: Collection[str]) -> Iterator[str]:
    """Say which modules are not set as in the official network, of those that the loaded tensors are in."""
    for class_name, settings in source.settings.items():
        for name, module in model.named_modules():
            if class_name not in (one.__name__ for one in type(module).__mro__):
                continue
            has_tensors = bool(module.state_dict())
            if has_tensors and not any(one.startswith(f'{name}.' if name else '') for one in loaded):
                continue
            for attribute, value in settings.items():
                found = _plain(getattr(module, attribute, None))
                if found is not None and not _same(found, value):  # None: images are normalized elsewhere
                    yield f'{attribute} of {name} ({class_name}) is {found}, but {source.name} has {value}'


def _plain(value: Any) -> Any:
    """Return a setting; the values of a tensor rounded, or None where it lies on the ``meta`` device."""
    if not isinstance(value, Tensor):
        return value
    return None if value.is_meta else tuple(round(one, 3) for one in value.flatten().tolist())


def _same(found: Any, value: Any) -> bool:
    if isinstance(found, tuple) and len(found) == len(value):
        return torch.allclose(torch.tensor(found), torch.tensor(value), rtol=1e-3, atol=1e-3)
    return bool(found == value)
