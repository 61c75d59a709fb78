"""Keep the values of a model's buffers, to put them back after a step that is not to leave a trace."""

from collections import defaultdict
from operator import is_

import torch
from torch import Tensor, nn

__all__ = ['KeptBuffers']


class KeptBuffers:
    """The buffers of a model, such as the running statistics of batch normalization, as they were when kept.

    Costs one copy of them and on a GPU one launch for each data type, however many there are.

    Args:
        model: Its modules are listed once; their buffers may be replaced.
    """

    def __init__(self, model: nn.Module) -> None:
        self._tables = [module._buffers for module in model.modules() if module._buffers]
        self._buffers: list[Tensor | None] = []
        self._places: list[tuple[dict[str, Tensor | None], str]] = []
        self._copies: list[tuple[list[Tensor], list[Tensor]]] = []  # of each data type: the buffers, and their values

    def keep(self) -> None:
        """Keep the values of now."""
        buffers = [buffer for table in self._tables for buffer in table.values()]
        if len(buffers) != len(self._buffers) or not all(map(is_, buffers, self._buffers)):
            self._buffers = buffers
            self._places = [(table, name) for table in self._tables for name in table]
            self._copies = self._allocate()
        for now, kept in self._copies:
            torch._foreach_copy_(kept, now)

    def put_back(self) -> None:
        """Give the model the buffers that it had when they were kept, with their values."""
        for (table, name), buffer in zip(self._places, self._buffers, strict=True):
            table[name] = buffer
        for now, kept in self._copies:
            torch._foreach_copy_(now, kept)

    def _allocate(self) -> list[tuple[list[Tensor], list[Tensor]]]:
        by_type: dict[torch.dtype, list[Tensor]] = defaultdict(list)
        for buffer in self._buffers:
            # one that was expanded cannot be written to, not by a model either
            if buffer is not None and buffer.layout == torch.strided and 0 not in buffer.stride():
                by_type[buffer.dtype].append(buffer.detach())
        return [(now, [torch.empty_like(buffer) for buffer in now]) for now in by_type.values()]
