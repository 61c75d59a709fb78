"""What unpickling a checkpoint would take, found without doing it: a few bytes may ask for any memory or time."""

import pickle
import pickletools
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from mmvidext.checkpoints.numpy_pickle import encode_latin1

__all__ = ['check_pickle']

_MAX_OPCODES = 2_000_000  # of a pickle; a ResNet-152 with its optimizer has some 100,000
_PUTS = ('PUT', 'BINPUT', 'LONG_BINPUT')
_CONTAINERS = ('.bytearray', '.set', '.Counter', '.OrderedDict')  # copy what they are given
_PLAIN = (str, bytes, list, tuple, dict, set)
_MAX_ODD_KEYS = 1000
_DISTINCT = 2**61 - 1  # no two integers below have one hash
# operations that hash what is on the stack, and where it is
_HASHED: dict[bytes, Callable[[list[Any]], list[Any]]] = {
    pickle.SETITEM: lambda stack: stack[-2:-1],
    pickle.SETITEMS: lambda stack: stack[::2],
    pickle.DICT: lambda stack: stack[::2],
    pickle.ADDITEMS: lambda stack: stack,
    pickle.FROZENSET: lambda stack: stack,
}


def check_pickle(file: BinaryIO) -> None:
    """Walk through the pickle at the place of a file without executing it, and leave the file behind it.

    Raises:
        ValueError: If it, or the memory that it asks for, is larger than of any checkpoint, or it has keys by which a
            dictionary could take any time, or crash: nested tuples, or many numbers of one hash.
        Exception: Whatever a damaged one makes an unpickler raise.
    """
    start = file.tell()
    for number, (operation, argument, _) in enumerate(pickletools.genops(file)):
        if number > _MAX_OPCODES:
            raise ValueError(f'its pickle has more than {_MAX_OPCODES} operations')
        # an unpickler makes room for as many objects as the place of one in its memory says
        if operation.name in _PUTS and int(argument or 0) > _MAX_OPCODES:
            raise ValueError(f'its pickle puts an object in place {argument}, of at most {_MAX_OPCODES}')
    end = file.tell()
    file.seek(start)
    _DryRun(file, end - start).load()
    file.seek(end)


def _checking_keys(load: Callable[[Any], None], find: Callable[[list[Any]], list[Any]]) -> Callable[[Any], None]:
    def load_checked(run: '_DryRun') -> None:
        run.check_keys(find(run.stack))
        load(run)

    return load_checked


class _DryRun(pickle._Unpickler):
    """Calls stand-ins in place of what a pickle names, and checks what they are given.

    The unpickler of Python that is written in C would hash a key before anybody can look at it.
    """

    stack: list[Any]
    dispatch = pickle._Unpickler.dispatch | {
        code[0]: _checking_keys(pickle._Unpickler.dispatch[code[0]], find) for code, find in _HASHED.items()
    }

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(file, fix_imports=False, encoding='latin1')
        self._left = 4 * size + 2**20  # parts that calls and keys may have: one part may be in many
        self._odd_keys = 0
        self._classes: dict[str, type] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a name."""
        full = f'{module}.{name}'
        if full == '_codecs.encode':  # is how bytes are written
            return self._encode
        if full not in self._classes:
            self._classes[full] = type(full, (_StandIn,), dict(name=full, run=self))
        return self._classes[full]

    def persistent_load(self, pid: Any) -> None:
        """Return what stands for a storage, which is as large as its bytes in the file."""

    def check_call(self, name: str, args: tuple[Any, ...]) -> None:
        """Raise if a call takes more memory than what it is given."""
        from_torch = name.startswith('torch.')
        if args and from_torch and (name.endswith(('Tensor', 'Storage')) or '._rebuild_device_tensor_' in name):
            raise ValueError(f'its pickle calls {name}, which takes memory that the file has no bytes for')
        if name.endswith(_CONTAINERS) and not all(isinstance(arg, _PLAIN) for arg in args):
            raise ValueError(f'its pickle calls {name} with a number or an object, which takes any amount of memory')
        if name.endswith(_CONTAINERS):
            for items in args:
                self.check_keys(map(_key_of_pair, items) if name.endswith('Dict') else items)
        self.count(args)
        if from_torch and name.endswith('._rebuild_from_type_v2'):  # calls what it is given
            args[0](*args[2])

    def check_keys(self, keys: Iterable[Any]) -> None:
        """Raise if hashing or comparing keys could take any time, or recurse without end."""
        for key in keys:
            if isinstance(key, tuple):
                if any(isinstance(part, tuple) for part in key):
                    raise ValueError('its pickle has a tuple of tuples as a key')
                self.count((key,))
            if not isinstance(key, (str, bytes, int, type(None))) or (isinstance(key, int) and abs(key) >= _DISTINCT):
                self._odd_keys += 1
        if self._odd_keys > _MAX_ODD_KEYS:
            raise ValueError(f'its pickle has more than {_MAX_ODD_KEYS} keys that are neither text nor small numbers')

    def count(self, args: tuple[Any, ...]) -> None:
        """Raise if all that calls were given is much more than the pickle."""
        self._left -= sum(len(arg) for arg in args if isinstance(arg, _PLAIN))
        if self._left < 0:
            raise ValueError('its pickle copies the same values again and again')

    def _encode(self, text: str, encoding: str) -> bytes:
        self.count((text,))
        return encode_latin1(text, encoding)


def _key_of_pair(pair: Any) -> Any:
    return pair[0] if isinstance(pair, (list, tuple)) and pair else None


class _StandIn:
    name: str
    run: _DryRun

    def __new__(cls, *args: Any) -> '_StandIn':
        cls.run.check_call(cls.name, args)
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        self.run.count(state if isinstance(state, tuple) else (state,))

    def _ignore(self, *args: Any) -> '_StandIn':
        return self

    append = extend = add = __setitem__ = __call__ = _ignore
