"""Count what a device would have to launch."""

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# views and allocations, which no device has to run anything for
_NO_KERNELS = (
    'aten.promote_types',
    'aten._unsafe_view',
    'aten.empty.',
    'aten.empty_like.',
    'aten.empty_strided.',
    'aten.new_empty.',
    'aten.new_empty_strided.',
)


def is_launch(func):
    """Whether a device would have to launch something for an operator: it is neither a view nor an allocation."""
    return func.namespace in ('aten', 'mmvidext') and not func.is_view and not str(func).startswith(_NO_KERNELS)


class _Counter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names, self.written = [], 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if is_launch(func):
            self.names.append(str(func))
            self.written += sum(leaf.numel() for leaf in tree_leaves(out) if isinstance(leaf, Tensor))
        return out


def count_launches(function):
    """Return how many operators a call runs that are neither views nor allocations."""
    with _Counter() as counter:
        function()
    return len(counter.names)


def count_written(function):
    """Return how many elements those operators write."""
    with _Counter() as counter:
        function()
    return counter.written
