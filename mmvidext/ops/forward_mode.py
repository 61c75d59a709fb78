"""Whether derivatives are taken in forward mode (``torch.func.jvp``, ``jacfwd``), which our operators do not know."""

from torch import Tensor, compiler
from torch.autograd import forward_ad

__all__ = ['has_tangent']


def has_tangent(*tensors: Tensor) -> bool:
    """Whether a tensor carries a tangent. An operator without a rule for it would drop it, and the derivative be 0."""
    if compiler.is_compiling():
        return False
    return any(forward_ad.unpack_dual(tensor).tangent is not None for tensor in tensors)
