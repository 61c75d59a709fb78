"""Read the pickles in which VMZ published its Caffe2 models, without executing them.

Such a file is a dictionary of numpy arrays written by Python 2. A pickle is a program; this reader knows the few calls
that rebuild an array and refuses every other.
"""

import codecs
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO

from mmvidext.safe_numpy import PickledArray, PickledDtype, rebuild_array, rebuild_scalar

__all__ = ['encode_latin1', 'load_numpy_pickle']


def encode_latin1(text: str, encoding: str) -> bytes:
    """Replace ``_codecs.encode``, which Python 3 writes for bytes: it may only undo latin-1.

    Raises:
        UnpicklingError: If it is asked for another encoding.
    """
    if encoding not in ('latin1', 'latin-1'):
        raise pickle.UnpicklingError(f'refused to encode with {str(encoding)[:20]!r}')
    return codecs.encode(text, 'latin1')


_ALLOWED: dict[tuple[str, str], Any] = {
    ('numpy', 'ndarray'): PickledArray,
    ('numpy', 'dtype'): PickledDtype,
    ('_codecs', 'encode'): encode_latin1,
    ('collections', 'OrderedDict'): OrderedDict,
    **{(f'numpy.{core}.multiarray', '_reconstruct'): rebuild_array for core in ('core', '_core')},
    **{(f'numpy.{core}.multiarray', 'scalar'): rebuild_scalar for core in ('core', '_core')},
}


class _NumpyUnpickler(pickle.Unpickler):
    """An unpickler that can rebuild numpy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle may call.

        Raises:
            UnpicklingError: For everything else.
        """
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f'it asks for {module}.{name}')
        return _ALLOWED[module, name]


def load_numpy_pickle(file: BinaryIO) -> Any:
    """Read one pickled object that holds numpy arrays, numbers, text and containers of them.

    Raises:
        UnpicklingError: If it asks for any other call. Nothing is executed.
        ValueError: If an array in it is not one of plain numbers.
    """
    return _NumpyUnpickler(file, encoding='latin1').load()
