"""Count what a device would have to launch."""

from torch.utils._python_dispatch import TorchDispatchMode

_NO_KERNELS = ('aten.promote_types', 'aten._unsafe_view')


class _Counter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if not func.is_view and not str(func).startswith(_NO_KERNELS):
            self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def count_launches(function):
    """Return how many operators that are no views a call runs."""
    with _Counter() as counter:
        function()
    return len(counter.names)
