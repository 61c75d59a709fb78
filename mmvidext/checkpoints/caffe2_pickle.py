"""Read the pickles in which VMZ published its Caffe2 models, without executing them.

Such a file is a dictionary of numpy arrays written by Python 2. A pickle is a program; this reader knows the few calls
that rebuild an array and refuses every other.
"""

import codecs
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

__all__ = ['read_numpy_pickle']


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Stand in for ``_codecs.encode``, which Python 3 writes for bytes: it may only undo latin-1."""
    if encoding not in ('latin1', 'latin-1'):
        raise pickle.UnpicklingError(f'refused to decode with {encoding!r}')
    return codecs.encode(text, 'latin1')


def _plain_dtype(*args: Any) -> np.dtype:
    dtype = np.dtype(*args)
    if dtype.hasobject:
        raise pickle.UnpicklingError('refused an array of Python objects')
    return dtype


_RECONSTRUCT: Callable[..., Any] = np.empty(0).__reduce__()[0]  # type: ignore[assignment]
_SCALAR: Callable[..., Any] = np.float64(0).__reduce__()[0]  # type: ignore[assignment]
_ALLOWED: dict[tuple[str, str], Any] = {
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): _plain_dtype,
    ('_codecs', 'encode'): _encode_latin1,
    ('collections', 'OrderedDict'): OrderedDict,
    **{(f'numpy.{core}.multiarray', '_reconstruct'): _RECONSTRUCT for core in ('core', '_core')},
    **{(f'numpy.{core}.multiarray', 'scalar'): _SCALAR for core in ('core', '_core')},
}


class _NumpyUnpickler(pickle.Unpickler):
    """An unpickler that can rebuild numpy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle may call.

        Raises:
            UnpicklingError: For everything else.
        """
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f'refused to call {module}.{name}')
        return _ALLOWED[module, name]


def read_numpy_pickle(file: BinaryIO, path: str | Path) -> Any:
    """Read one pickled object that holds numpy arrays, numbers, text and containers of them.

    Args:
        file: The open file.
        path: Its name, for the error.

    Raises:
        ValueError: If the file is damaged, is no pickle, or asks for any other call. Nothing is executed.
    """
    try:
        return _NumpyUnpickler(file, encoding='latin1').load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f'{path} is not a checkpoint of numpy arrays, or it is damaged: {error}') from error
