"""Data sets inside of the config of another one: ``ConcatDataset``, ``RepeatDataset`` and the like."""

from collections.abc import Mapping
from typing import Any

__all__ = ['inner_datasets']


def inner_datasets(dataset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the configs of the data sets that one wraps; none if it is no wrapper."""
    return list(dataset.get('datasets') or ([dataset['dataset']] if 'dataset' in dataset else ()))
