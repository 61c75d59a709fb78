"""Read the tensors of a checkpoint, whoever wrote it. No code from the file runs, and nothing grows without bound."""

import json
import math
import pickle
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as short_repr
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from mmvidext.checkpoints.locate import find_checkpoint
from mmvidext.checkpoints.numpy_pickle import load_numpy_pickle
from mmvidext.checkpoints.pickle_bounds import check_pickle

__all__ = ['Checkpoint', 'StateDict', 'check_bounds', 'class_difference', 'read_checkpoint', 'saved_classes']

StateDict = dict[str, Tensor]

_LEGACY_TORCH = pickle.dumps(0x1950A86A20F9469CFC6C, 2)  # how files of torch before 1.6 begin
_MAX_REPEATED = 2**30  # bytes that expanded tensors have beyond those of the file
_INSIDE = ('state_dict', 'model', 'blobs', 'model_state_dict', 'net')  # where a checkpoint may hold its tensors
_MAX_HEADER = 100_000_000  # bytes of a safetensors header
_SAFETENSORS = {
    'F64': torch.float64,
    'F32': torch.float32,
    'F16': torch.float16,
    'BF16': torch.bfloat16,
    'I64': torch.int64,
    'I32': torch.int32,
    'I16': torch.int16,
    'I8': torch.int8,
    'U8': torch.uint8,
    'BOOL': torch.bool,
}


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Attributes:
        tensors: By name, on the CPU.
        meta: The ``meta`` of mmengine's checkpoints, for example the classes; empty in others.
        others: Names of what else the file holds, for example ``optimizer``.
    """

    tensors: StateDict
    meta: dict[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: What :func:`~mmvidext.checkpoints.locate.find_checkpoint` finds. The first bytes decide on the format:
            ``torch.save`` of any version (a state dict, or a dictionary that holds one as ``state_dict``, ``model``,
            ``model_state_dict`` or ``net``), safetensors, or a Caffe2 pickle of VMZ (a dictionary with numpy arrays as
            ``blobs``).

    Raises:
        FileNotFoundError: If there is no such file, or it cannot be fetched.
        ValueError: If it cannot be read, has another SHA-256 than it should, is damaged, would run code, expands
            without bound, or holds no tensors.
    """
    file_path = find_checkpoint(path)
    fetched = f' (the file of {path}; delete it to fetch it again)' if '://' in str(path) else ''
    try:
        with file_path.open('rb') as file:
            check, read = _format(file)
            check(file)
            file.seek(0)
            content = read(file)
        _check_expanded(content)
        return _find_tensors(content)
    except pickle.UnpicklingError as error:
        # torch's message advises to load the file anyway, so only the name or the operation is taken from it
        if operation := re.search(r'Unsupported operand (\d+)', str(error)):
            raise ValueError(
                f'{file_path} cannot be read: torch reads no other pickle safely than the one that torch.save writes '
                f'(it has operation {operation[1]}); save it again, without pickle_protocol'
            ) from None
        found = re.search(r'GLOBAL (\S+)', str(error))
        reason = f'it asks for {found[1]}' if found else str(error).split('\n')[0]
        raise ValueError(
            f'{file_path} holds more than tensors, and reading it could run code; it was refused: {reason}'
        ) from None
    except PermissionError as error:
        raise ValueError(f'{file_path} cannot be read: {error.strerror}') from error
    except Exception as error:  # a damaged file makes the readers raise nearly anything
        raise ValueError(
            f'{file_path}{fetched} is damaged or not a checkpoint: {error or type(error).__name__}'
        ) from error


def check_bounds(path: Path) -> None:
    """Check, without reading it, that a checkpoint takes no more memory than its size lets one expect.

    Raises:
        ValueError: If its archive expands, or its pickle asks for more than that of any checkpoint.
        OSError: If it cannot be read.
    """
    with path.open('rb') as file:
        check, _ = _format(file)
        check(file)


def saved_classes(dataset_meta: Any) -> list[str]:
    """Return the names of the classes in the ``dataset_meta`` of a checkpoint's meta; none if there are none.

    Raises:
        ValueError: If they are no list of names.
    """
    if dataset_meta is not None and not isinstance(dataset_meta, dict):
        raise ValueError(f'its dataset_meta is {short_repr(dataset_meta)}, not a dictionary: it is damaged')
    classes = (dataset_meta or {}).get('classes')
    if classes is None:
        return []
    classes = [classes] if isinstance(classes, str) else classes
    if not isinstance(classes, (list, tuple)) or not all(isinstance(name, (str, int)) for name in classes):
        raise ValueError(
            f'the classes in its dataset_meta are {short_repr(classes)}, not a list of names: it is damaged'
        )
    return [str(name) for name in classes]


def class_difference(saved: Any, own: Any) -> str:
    """Say where the classes of a checkpoint are others than those of the data.

    Args:
        saved: The ``dataset_meta`` of the checkpoint.
        own: The ``metainfo`` of the data set.

    Returns:
        ``class 2 is 'left' there and 'right' here``, of the first that differs; nothing if none does, or one of both
        does not name its classes.

    Raises:
        ValueError: If those of the checkpoint are no list of names.
    """
    there, here = saved_classes(saved), saved_classes(own if isinstance(own, dict) else None)
    if not there or not here or there == here:
        return ''
    for number, (one, other) in enumerate(zip(there, here, strict=False)):
        if one != other:
            return f'class {number} is {one!r} there and {other!r} here'
    return f'there are {len(there)} of them there and {len(here)} here'


def _format(file: BinaryIO) -> tuple[Callable[[BinaryIO], None], Callable[[BinaryIO], Any]]:
    """Decide on the format from the first bytes; return what checks its bounds, and what reads it."""
    start = file.read(16)
    file.seek(0)
    if start.startswith(b'PK\x03\x04'):
        return _check_zip, _read_torch
    if start.startswith(_LEGACY_TORCH[: len(start)] or b'?'):
        return _check_legacy, _read_torch
    if start.startswith(b'\x80'):
        return check_pickle, _read_caffe2
    if start[8:9] == b'{':
        return _check_header, _read_safetensors
    raise ValueError('it is not a file of torch, safetensors or pickle')


def _check_zip(file: BinaryIO) -> None:
    size = file.seek(0, 2)
    with zipfile.ZipFile(file) as archive:
        expanded = sum(entry.file_size for entry in archive.infolist())
        if expanded > 2 * size + 2**20:
            raise ValueError(f'{size} bytes expand to {expanded}: torch does not compress')
        for entry in archive.infolist():  # torch finds it in upper case too, and among two of one name either
            if entry.filename.lower().endswith('data.pkl'):
                with archive.open(entry) as file_in_it:
                    check_pickle(file_in_it)  # type: ignore[arg-type]


def _check_legacy(file: BinaryIO) -> None:
    for _ in range(5):  # magic number, protocol, system, content, keys of the storages
        check_pickle(file)


def _read_torch(file: BinaryIO) -> Any:
    return torch.load(file, map_location='cpu', weights_only=True)


def _read_caffe2(file: BinaryIO) -> Any:
    content = load_numpy_pickle(file)
    if not isinstance(content, dict) or not isinstance(content.get('blobs'), dict):
        raise ValueError('a pickle without a dictionary of "blobs" is not a Caffe2 checkpoint of VMZ')
    return content


def _check_expanded(content: Any) -> None:
    """Refuse tensors that repeat what is in the file too often: whoever copies them needs room for all values."""
    parts, seen, repeated = [content], set[int](), 0
    while parts:
        part = parts.pop()
        if id(part) in seen:  # a part may be in many places, or in itself
            continue
        seen.add(id(part))
        if isinstance(part, Tensor) and part.layout == torch.strided and not part.is_meta:
            repeated += max(0, part.numel() * part.element_size() - part.untyped_storage().nbytes())
            if repeated > _MAX_REPEATED:
                raise ValueError(f'its tensors, one of shape {tuple(part.shape)}, repeat values of more than 1 GiB')
        elif isinstance(part, dict):
            parts += part.values()
        elif isinstance(part, (list, tuple)):
            parts += part


def _check_header(file: BinaryIO) -> None:
    size, length = _safetensors_sizes(file)
    if length > min(size, _MAX_HEADER):
        raise ValueError(f'its header of {length} bytes is longer than the file, or than any')


def _safetensors_sizes(file: BinaryIO) -> tuple[int, int]:
    """Return the size of the file and of its header, and go to where the header begins."""
    size = file.seek(0, 2)
    file.seek(0)
    return size, int.from_bytes(file.read(8), 'little')


def _read_safetensors(file: BinaryIO) -> Any:
    size, length = _safetensors_sizes(file)
    header = json.loads(file.read(length))
    header.pop('__metadata__', None)
    tensors, total = {}, 0
    for name, entry in header.items():
        dtype, shape, (start, end) = _SAFETENSORS[entry['dtype']], entry['shape'], entry['data_offsets']
        if not 0 <= start <= end <= size - 8 - length or math.prod(shape) * dtype.itemsize != end - start:
            raise ValueError(f'{name} of shape {shape} lies outside of the file')
        total += end - start
        if total > size - 8 - length:  # a byte belongs to one tensor, or a small file would take any amount of memory
            raise ValueError(f'{name} shares bytes with another tensor')
        file.seek(8 + length + start)
        raw = bytearray(file.read(end - start))
        tensors[name] = torch.frombuffer(raw, dtype=dtype).view(shape) if raw else torch.empty(shape, dtype=dtype)
    return tensors


def _find_tensors(content: Any) -> Checkpoint:
    """Return the dictionary of tensors inside a checkpoint, and what else there is."""
    outer = content if isinstance(content, dict) else {}
    inside = next((name for name in _INSIDE if isinstance(outer.get(name), dict)), None)
    if inside is not None:
        content = content[inside]
    if not isinstance(content, dict) or not content:
        raise ValueError(f'it holds a {type(content).__name__}, not tensors by name')
    tensors: StateDict = {}
    for name, value in content.items():
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(np.ascontiguousarray(value, value.dtype.newbyteorder('=')).view(np.ndarray))
        if not isinstance(value, Tensor):
            raise ValueError(
                f'{name} is a {type(value).__name__}, not a tensor; tensors by name are taken from '
                f'{", ".join(_INSIDE)} or, where there is none of them, from the file itself'
            )
        if value.is_meta or value.is_quantized or value.is_nested or value.layout != torch.strided:
            raise ValueError(f'{name} is not a plain tensor: it is without values, quantized, sparse or nested')
        tensors[str(name)] = value
    if inside is None:
        return Checkpoint(tensors)
    meta = outer.get('meta')
    return Checkpoint(
        tensors,
        meta if isinstance(meta, dict) else {},
        tuple(sorted(str(name) for name in outer if name != inside)),
    )
