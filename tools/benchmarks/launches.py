"""Count what a device would have to launch, and the bytes that it would move: the same on any machine."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# allocations, which no device has to run anything for; views are left out too
_NO_KERNELS = (
    'aten.promote_types',
    'aten._unsafe_view',
    'aten.empty.',
    'aten.empty_like.',
    'aten.empty_strided.',
    'aten.new_empty.',
    'aten.new_empty_strided.',
)


def is_launch(func: Any) -> bool:
    """Whether a device would have to launch something for an operator: it is neither a view nor an allocation."""
    return func.namespace in ('aten', 'mmvidext') and not func.is_view and not str(func).startswith(_NO_KERNELS)


class _Counter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.launches = 0
        self.bytes_moved = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = self.launches
        if func.namespace == 'mmvidext':  # what our operators run is counted; a kernel of our own runs none of torch's
            result = self._run_inside(func, args, kwargs or {})
        else:
            result = func(*args, **(kwargs or {}))
        if is_launch(func) and self.launches == before:
            self.launches += 1
            self.bytes_moved += sum(_num_bytes(leaf) for leaf in tree_leaves((args, kwargs, result)))
        return result

    def _run_inside(self, func: Any, args: Any, kwargs: Any) -> Any:
        device = next(leaf.device for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor))
        key = getattr(torch._C.DispatchKey, device.type.upper())
        with self:
            return func.redispatch(torch._C.DispatchKeySet(key), *args, **kwargs)


def _num_bytes(leaf: Any) -> int:
    """Return the bytes of a tensor, those that it repeats only once."""
    if not isinstance(leaf, torch.Tensor) or leaf.layout != torch.strided:
        return 0
    return min(leaf.nbytes, leaf.untyped_storage().nbytes())


def count_launches(function: Callable[[], Any]) -> tuple[int, float]:
    """Return the launches of a call, and the MiB of what they read and write: each tensor once for each operator."""
    with _Counter() as counter:
        function()
    return counter.launches, counter.bytes_moved / 2**20
