"""Count what a device would have to launch."""

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tools.benchmarks.launches import is_launch

__all__ = ['count_launches', 'count_written', 'is_launch', 'list_launches']


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


def list_launches(function):
    """Return the names of the operators that a call runs and that are neither views nor allocations, in their order."""
    with _Counter() as counter:
        function()
    return counter.names


def count_launches(function):
    """Return how many operators those are."""
    return len(list_launches(function))


def count_written(function):
    """Return how many elements those operators write."""
    with _Counter() as counter:
        function()
    return counter.written
