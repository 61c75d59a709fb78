"""The names and colors of a dense model's classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import Registry

from mmvidext.apis.frame_pipeline import test_dataset
from mmvidext.checkpoints.read import saved_classes

__all__ = ['classes_and_palette']


def classes_and_palette(
    config: Config, meta: Mapping[str, Any], num_classes: int, registry: Registry
) -> tuple[list[str], np.ndarray]:
    """Return the names of the classes and their colors, RGB ``uint8 (K, 3)``.

    They come from the checkpoint, or else from the data set that the config tests on, or else they are ``class 0``,
    ``class 1`` and evenly spread colors.

    Args:
        config: The config.
        meta: ``meta`` of the checkpoint.
        num_classes: How many there are.
        registry: Where the data set is looked up.

    Raises:
        ValueError: If the classes in the checkpoint are no list of names.
    """
    saved = meta.get('dataset_meta')
    names = saved_classes(saved)
    own = {**_metainfo(test_dataset(config), registry), **(saved or {})}
    names = names or own.get('classes') or []
    if len(names) != num_classes:
        names = [f'class {number}' for number in range(num_classes)]
    try:
        palette = np.array(own.get('palette'), np.uint8)
    except (ValueError, TypeError, OverflowError):  # it may be the name of one, or none at all
        palette = np.empty(0, np.uint8)
    return list(names), palette if palette.shape == (num_classes, 3) else _spread_colors(num_classes)


def _metainfo(dataset: Mapping[str, Any], registry: Registry) -> Mapping[str, Any]:
    kind = dataset.get('type')
    kind = registry.get(kind) if isinstance(kind, str) else kind
    return dataset.get('metainfo') or getattr(kind, 'METAINFO', {})


def _spread_colors(number: int) -> np.ndarray:
    hues = np.linspace(0, 2 * np.pi, number, endpoint=False)
    waves = np.stack([np.cos(hues + shift) for shift in (0, 2 * np.pi / 3, 4 * np.pi / 3)], axis=-1)
    return (127.5 + 127.5 * waves).astype(np.uint8)
