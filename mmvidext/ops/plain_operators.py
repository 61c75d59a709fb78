"""Whether an op runs inside of ``torch.func`` or in forward mode, neither of which knows our operators."""

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ['needs_plain_operators']


def needs_plain_operators(*tensors: Tensor) -> bool:
    """Whether an op must take torch's own operators only: for ``torch.func``, or because a tensor carries a tangent.

    An operator without a rule for tangents would drop them, and the derivative be 0; ``torch.func.grad`` and ``vmap``
    refuse it.
    """
    if torch.compiler.is_compiling():
        return False
    if torch._C._are_functorch_transforms_active():  # torch has no public question
        return True
    return any(forward_ad.unpack_dual(tensor).tangent is not None for tensor in tensors)
