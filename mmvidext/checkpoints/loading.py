"""Read the tensors of a checkpoint file, whoever wrote it. No code from the file runs."""

import pickle
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import MMLogger
from torch import Tensor

from mmvidext.checkpoints.caffe2_pickle import read_numpy_pickle
from mmvidext.checkpoints.source import StateDict

__all__ = ['load_checkpoint_file']

_LEGACY_TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # the first object in files of torch before 1.6


def load_checkpoint_file(path: str | Path) -> StateDict:
    """Read the state dict of a checkpoint.

    Args:
        path: A file of ``torch.save`` (a state dict, or a dictionary that holds one as ``state_dict`` or ``model``), or
            a Caffe2 pickle of VMZ (a dictionary with numpy arrays as ``blobs``).

    Returns:
        Tensors by name, on the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, would run code, or holds no tensors. Nothing from it is executed.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'there is no checkpoint {path}')
    content = _load_torch(path) if _is_torch_file(path) else _load_pickle(path)
    return _find_tensors(content, path)


def _is_torch_file(path: Path) -> bool:
    if zipfile.is_zipfile(path):
        return True
    with path.open('rb') as file:
        if file.read(1) != b'\x80':  # how a pickle of protocol 2 or later begins, and so do files of old torch
            raise ValueError(f'{path} is not a checkpoint: it is neither a file of torch nor a pickle')
        file.seek(0)
        try:
            first = read_numpy_pickle(file, path)
        except ValueError:
            return False  # reported with its reason when it is read
    return bool(isinstance(first, int) and first == _LEGACY_TORCH_MAGIC)


def _load_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's message advises to read it all the same, so only the name is taken over
        found = re.search(r'GLOBAL (\S+)', str(error))
        asked = f': it asks for {found[1]}' if found else ''
        raise ValueError(
            f'{path} holds more than tensors, and reading it could run code; it was refused{asked}'
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, struct.error) as error:
        raise ValueError(f'{path} is damaged or not a checkpoint: {error}') from error


def _load_pickle(path: Path) -> Any:
    with path.open('rb') as file:
        content = read_numpy_pickle(file, path)
    if not isinstance(content, dict) or not isinstance(content.get('blobs'), dict):
        raise ValueError(f'{path} is a pickle without a dictionary of "blobs": not a Caffe2 checkpoint of VMZ')
    return content


def _find_tensors(content: Any, path: Path) -> StateDict:
    """Return the dictionary of tensors inside a checkpoint, and log what else there is."""
    for name in ('state_dict', 'model', 'blobs'):
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            others = sorted(str(key) for key in content if key != name)
            if others:
                MMLogger.get_current_instance().info(f'{path}: reading {name!r}; left aside: {", ".join(others)}')
            content = content[name]
            break
    if not isinstance(content, dict) or not content:
        raise ValueError(f'{path} holds a {type(content).__name__}, not tensors by name')
    tensors: StateDict = {}
    for name, value in content.items():
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(np.ascontiguousarray(value))
        if not isinstance(value, Tensor):
            raise ValueError(f'{path}: {name} is a {type(value).__name__}, not a tensor')
        tensors[str(name)] = value
    return tensors
