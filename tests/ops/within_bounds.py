"""A plugin for pytest: a kernel in Triton's interpreter reads and writes nothing but elements of its arguments.

On a GPU an address outside is an error only where nothing else lies, and the error comes later, at another call.
"""

import numpy as np
import torch
from triton.runtime import interpreter


class Bounds:
    """Where the elements of a kernel's tensors lie; of a view only its own ones."""

    def __init__(self):
        self.tensors = []  # first address, bytes of an element, and whether an element of the storage is one of it

    def take(self, arguments):
        self.tensors = []
        for one in arguments:
            if isinstance(one, torch.Tensor) and one.numel():
                storage = one.untyped_storage()
                owned = torch.zeros(storage.nbytes() // one.itemsize, dtype=torch.bool)
                owned.as_strided(one.size(), one.stride(), one.storage_offset()).fill_(True)
                self.tensors.append((storage.data_ptr(), one.itemsize, owned.numpy()))

    def check(self, addresses, mask):
        addresses = addresses[np.broadcast_to(mask, addresses.shape).astype(bool)].astype(np.int64)
        inside = np.zeros(addresses.shape, bool)
        for first, size, owned in self.tensors:
            place, rest = np.divmod(addresses - first, size)
            found = (rest == 0) & (place >= 0) & (place < len(owned))
            inside |= found & owned[np.where(found, place, 0)]
        if not inside.all():
            raise AssertionError(f'{(~inside).sum()} of {inside.size} addresses lie outside of the arguments')


def pytest_configure(config):
    bounds = Bounds()
    take, load, store = (
        interpreter.GridExecutor._init_args_hst,
        interpreter.InterpreterBuilder.create_masked_load,
        interpreter.InterpreterBuilder.create_masked_store,
    )

    def taking(executor, arguments, keywords):
        result = take(executor, arguments, keywords)
        bounds.take([*result[0], *result[1].values()])
        return result

    def loading(builder, places, mask, *rest):
        bounds.check(places.data, mask.data)
        return load(builder, places, mask, *rest)

    def storing(builder, places, value, mask, *rest):
        bounds.check(places.data, mask.data)
        return store(builder, places, value, mask, *rest)

    interpreter.GridExecutor._init_args_hst = taking
    interpreter.InterpreterBuilder.create_masked_load = loading
    interpreter.InterpreterBuilder.create_masked_store = storing
