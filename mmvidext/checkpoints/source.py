"""What a source of weights is: a name, a way to recognise it, and a way to convert it."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

__all__ = ['Source', 'StateDict']

StateDict = dict[str, Tensor]


@dataclass(frozen=True)
class Source:
    """One family of official checkpoints.

    Attributes:
        name: What ``--source`` takes.
        summary: The official repository and its models, for ``--help``.
        recognise: Whether a state dict, its ``module.`` prefix removed, belongs to this family. It looks at keys and
            shapes only, and exactly one source may say yes.
        convert: The state dict in our layout. It raises ``ValueError`` unless every key is used and every shape fits.
    """

    name: str
    summary: str
    recognise: Callable[[StateDict], bool]
    convert: Callable[[StateDict], StateDict]
