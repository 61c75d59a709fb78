"""Questions whose answer is a constant of a compiled graph."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ['constant_in_graphs']

_P = ParamSpec('_P')
_T = TypeVar('_T')


def constant_in_graphs(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let dynamo call ``function`` when it compiles, and not trace it.

    This is what ``torch.compiler.assume_constant_result`` does, but that imports dynamo, which takes a second and is
    wanted by nobody who does not compile. Dynamo looks at the attribute only.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function
