"""Count what a device would have to launch."""

from torch.utils._python_dispatch import TorchDispatchMode

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
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if is_launch(func):
            self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def count_launches(function):
    """Return how many operators a call runs that are neither views nor allocations."""
    with _Counter() as counter:
        function()
    return len(counter.names)
