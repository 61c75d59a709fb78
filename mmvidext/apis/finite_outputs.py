"""Refuse what a model gives when it is not finite: a NaN among scores would be shown as a class, or as no object."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

__all__ = ['check_finite', 'nan_in_outputs']

_ADVICE = 'check its weights and its data_preprocessor'


def check_finite(values: Tensor, name: str) -> None:
    """Check what a model gives; on a GPU this waits for it.

    Args:
        values: Of any shape.
        name: What they are, in the plural.

    Raises:
        ValueError: If one is not finite.
    """
    if not values.isfinite().all():
        raise ValueError(f'{name} of the model are not finite: {_ADVICE}')


@contextmanager
def nan_in_outputs(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Look for NaN in what modules return inside of the block, where whoever calls them drops it unseen.

    An infinity is left alone: it may stand for a place that does not count.

    Raises:
        ValueError: At the end of the block, if there was one; the message names the kind of module.
    """
    found: list[tuple[str, Tensor]] = []

    def look(module: nn.Module, _: Any, output: Any) -> None:
        found.extend((type(module).__name__, one.isnan().any()) for one in _tensors(output) if one.is_floating_point())

    with ExitStack() as hooks:
        for module in modules:
            hooks.callback(module.register_forward_hook(look).remove)
        yield
    if names := sorted({name for name, is_nan in found if is_nan}):
        raise ValueError(f'what {", ".join(names)} of the model gives is not finite: {_ADVICE}')


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (list, tuple, dict)):
        for part in output.values() if isinstance(output, dict) else output:
            yield from _tensors(part)
