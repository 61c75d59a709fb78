"""What a data set is, in a few characters: a resumed run compares it."""

import hashlib
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from mmengine.dataset import BaseDataset

__all__ = ['data_digest', 'pipeline_steps']


def data_digest(dataset: Any) -> str | None:
    """Return a digest of the samples of a data set, in their order.

    It holds what the annotations say of each sample: the digest of a moved folder is the same, for of a path only the
    last part counts. No file of a sample is read.

    Args:
        dataset: One of mmengine, or wrappers (``ConcatDataset``, ``RepeatDataset``, ...) around such.

    Returns:
        The digest, or None if one of the data sets is of another kind.
    """
    parts = list(_parts(dataset))
    if not all(isinstance(part, BaseDataset) for part in parts):
        return None
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        for sample in _samples(part):
            digest.update(repr(_plain(sample)).encode(errors='surrogatepass'))
    return digest.hexdigest()


def pipeline_steps(cfg: Any) -> list[str]:
    """Return the steps of all pipelines in the config of a data set."""
    if isinstance(cfg, Mapping):
        own = [repr(_to_dict(step)) for step in cfg.get('pipeline') or ()]
        return own + [step for key, value in cfg.items() if key != 'pipeline' for step in pipeline_steps(value)]
    return [step for value in cfg for step in pipeline_steps(value)] if isinstance(cfg, (list, tuple)) else []


def _to_dict(step: Any) -> Any:
    return step.to_dict() if hasattr(step, 'to_dict') else step


def _parts(dataset: Any) -> Iterator[Any]:
    """Yield the data sets in wrappers."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if inner == [None]:
        yield dataset
        return
    for one in inner:
        yield from _parts(one)


def _samples(dataset: BaseDataset) -> Iterator[Any]:
    if not dataset.serialize_data:
        yield from dataset.data_list
        return
    begin = 0
    for end in dataset.data_address.tolist():
        yield pickle.loads(dataset.data_bytes[begin:end])  # what the data set itself has pickled in this process
        begin = end


def _plain(value: Any) -> Any:
    """Return a value as one whose ``repr`` is the same in every process."""
    if isinstance(value, str):
        return value.replace('\\', '/').rpartition('/')[2]
    if isinstance(value, (int, float, bytes, bool, type(None))):
        return value
    if isinstance(value, dict):
        return [(_plain(key), _plain(value[key])) for key in value]
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, torch.Tensor):
        value = value.numpy(force=True)
    if isinstance(value, np.ndarray) and value.dtype != object:
        return str(value.dtype), value.shape, value.tobytes()
    return str(value) if isinstance(value, np.generic) else type(value).__name__
