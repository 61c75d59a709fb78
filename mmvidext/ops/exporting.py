"""Whether an op is recorded for another runtime, which knows none of our operators."""

import torch

__all__ = ['is_exporting']


def is_exporting() -> bool:
    """Whether ``torch.export`` records, and not ``torch.compile``.

    Before torch 2.12 dynamo takes ``torch.compiler.is_exporting()`` for true in ``torch.compile``, too. In the strict
    mode of ``torch.export``, which is dynamo's, this is false: our operators stay in the graph.
    """
    return torch.compiler.is_exporting() and not torch.compiler.is_dynamo_compiling()
