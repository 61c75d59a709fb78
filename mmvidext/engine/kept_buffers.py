"""Keep the values of a model's buffers, to put them back after a step that is not to leave a trace."""

from collections import defaultdict
from operator import is_

import torch
from torch import Tensor, nn

from mmvidext.checkpoints.values import STATISTICS

__all__ = ['KeptBuffers']


class KeptBuffers:
    """The buffers of a model, such as the running statistics of batch normalization, as they were when kept.

    Costs one copy of them and on a GPU one launch for each data type, however many there are.

    Args:
        model: Its modules are listed once; their buffers may be replaced, resized, added and removed.
    """

    def __init__(self, model: nn.Module) -> None:
        self._tables = [module._buffers for module in model.modules()]
        self._before: list[dict[str, Tensor | None]] = []  # of each module
        self._buffers: list[Tensor | None] = []  # all of them
        self._statistics: list[tuple[dict[str, Tensor | None], str]] = []  # where they are
        self._copies: list[tuple[list[Tensor], list[Tensor]]] = []  # of each data type: the buffers, and their values
        self._shapes: list[torch.Size] = []

    @torch.no_grad()
    def keep(self) -> None:
        """Keep the values of now."""
        buffers = [buffer for table in self._tables for buffer in table.values()]
        is_known = len(buffers) == len(self._buffers) and all(map(is_, buffers, self._buffers))
        if not is_known or self._shapes_of_now() != self._shapes:
            self._buffers = buffers
            self._before = [dict(table.items()) for table in self._tables]
            both = zip(self._tables, self._before, strict=True)
            self._statistics = [(table, name) for table, before in both for name in before if name in STATISTICS]
            self._copies = self._allocate()
            self._shapes = self._shapes_of_now()
        for now, kept in self._copies:
            torch._foreach_copy_(kept, now)

    @torch.no_grad()
    def put_back(self) -> None:
        """Give the model the buffers that it had when they were kept, with their values."""
        for table, before in zip(self._tables, self._before, strict=True):
            now = dict(table.items())
            for name in now.keys() - before.keys():
                del table[name]
            for name, buffer in before.items():
                if now.get(name) is not buffer:
                    table[name] = buffer
        for buffers, kept in self._copies:
            for one, value in zip(buffers, kept, strict=True):
                if one.shape != value.shape:
                    one.data = torch.empty_like(value)
            torch._foreach_copy_(buffers, kept)

    def running_statistics(self) -> list[Tensor]:
        """Return the means and variances of now, of the normalizations that were there when the buffers were kept."""
        # the tables of scripted modules have no get
        return [value for table, name in self._statistics if name in table and (value := table[name]) is not None]

    def _shapes_of_now(self) -> list[torch.Size]:
        return [buffer.shape for now, _ in self._copies for buffer in now]

    def _allocate(self) -> list[tuple[list[Tensor], list[Tensor]]]:
        by_type: dict[torch.dtype, list[Tensor]] = defaultdict(list)
        for buffer in self._buffers:
            if buffer is not None and _can_be_written(buffer):
                by_type[buffer.dtype].append(buffer)
        return [(now, [torch.empty_like(buffer) for buffer in now]) for now in by_type.values()]


def _can_be_written(buffer: Tensor) -> bool:
    """Whether each value has a place of its own: a model cannot write to a buffer that was expanded either."""
    if buffer.layout != torch.strided or buffer.is_conj() or buffer.is_neg():
        return False
    return all(stride or size < 2 for size, stride in zip(buffer.shape, buffer.stride(), strict=True))
