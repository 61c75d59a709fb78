"""What replaces the NumPy calls of a pickle: it rebuilds plain arrays and checks every argument first.

NumPy's own ``dtype.__setstate__`` and ``ndarray.__setstate__`` trust what they are given: a crafted state crashes the
interpreter.
"""

import math
import re
from typing import Any

import numpy as np

__all__ = ['PickledArray', 'PickledDtype', 'rebuild_array', 'rebuild_scalar']

_PLAIN = re.compile(r'b1|\?|[iu][1248]|f[248]|c(8|16)|[bBhHiIlLqQefd]')


def _text(value: Any) -> Any:
    return value.decode('latin1') if isinstance(value, bytes) else value


class PickledDtype:
    """A numeric ``numpy.dtype``, of which a pickle may set the byte order and nothing else.

    Raises:
        ValueError: For any other kind of dtype or state.
    """

    def __init__(self, code: Any = None, align: Any = False, copy: Any = True) -> None:
        code = _text(code)
        if not isinstance(code, str) or not _PLAIN.fullmatch(code):
            raise ValueError(f'refused an array of dtype {str(code)[:20]!r}: it must be of plain numbers')
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or tuple(map(_text, state[2:])) != (None, None, None, -1, -1, 0):
            raise ValueError('refused the state of a dtype: only a byte order may be set')
        order = _text(state[1])
        if order not in ('<', '>', '|', '='):
            raise ValueError(f'refused the byte order {order!r}')
        self.dtype = self.dtype.newbyteorder(order)


class PickledArray(np.ndarray):
    """An array that starts empty, checks its state before it takes it, and is pickled again as a plain array."""

    def __new__(cls, *args: Any, **kwargs: Any) -> 'PickledArray':
        """Return an empty array, whatever size a pickle asks for."""
        return np.ndarray.__new__(cls, (0,), 'b')

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError('refused the state of an array: it must be of five parts')
        _, shape, dtype, is_fortran, raw = state
        raw = raw.encode('latin1') if isinstance(raw, str) else raw
        sizes_are_valid = isinstance(shape, tuple) and all(isinstance(n, int) and n >= 0 for n in shape)
        if not (sizes_are_valid and isinstance(dtype, PickledDtype) and isinstance(raw, bytes)):
            raise ValueError('refused the state of an array: a shape, a dtype of plain numbers and bytes are expected')
        if math.prod(shape) * dtype.dtype.itemsize != len(raw):
            raise ValueError(f'an array of shape {shape} and dtype {dtype.dtype} has {len(raw)} bytes')
        super().__setstate__((1, shape, dtype.dtype, bool(is_fortran), raw))  # type: ignore[arg-type]

    def __reduce__(self) -> Any:
        return self.view(np.ndarray).__reduce__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.view(np.ndarray).__reduce_ex__(protocol)


def rebuild_array(kind: Any, shape: Any, code: Any) -> PickledArray:
    """Replace ``numpy.core.multiarray._reconstruct``: return an empty array, which its state fills."""
    return PickledArray()


def rebuild_scalar(dtype: Any, raw: Any) -> Any:
    """Replace ``numpy.core.multiarray.scalar``.

    Raises:
        ValueError: If it is not a number.
    """
    raw = raw.encode('latin1') if isinstance(raw, str) else raw
    if not isinstance(dtype, PickledDtype) or not isinstance(raw, bytes) or len(raw) != dtype.dtype.itemsize:
        raise ValueError('refused a scalar that is not a plain number')
    return np.frombuffer(raw, dtype.dtype)[0]
