"""Whether numbers are finite, asked once for many tensors."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor
from torch.nn.utils import get_total_norm

__all__ = ['any_rank_not_finite', 'can_be_scanned', 'gradients_of', 'loss_terms', 'names_not_finite', 'scan']


def loss_terms(losses: Mapping[str, Any]) -> dict[str, list[Tensor]]:
    """Return the tensors of each term of a loss: what mmengine adds up, the entries with ``loss`` in their name."""
    terms = {name: value if isinstance(value, (list, tuple)) else [value] for name, value in losses.items()}
    return {
        name: [value for value in values if isinstance(value, Tensor)]
        for name, values in terms.items()
        if 'loss' in name
    }


def gradients_of(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Return the gradients that are there and not empty; of a sparse one its values."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return [values for values in map(_stored, gradients) if values.numel()]


def can_be_scanned(gradients: list[Tensor], device: torch.device) -> bool:
    """Whether :func:`scan` takes these: plain tensors of one type on the device, none with a value in two places."""
    kinds = {(type(gradient), gradient.device, gradient.dtype) for gradient in gradients}
    known = all(kind is Tensor and dtype in (torch.float32, torch.float16) for kind, _, dtype in kinds)
    here = all(where == device and where.type in ('cpu', 'cuda') for _, where, _ in kinds)
    odd = any(0 in gradient.stride() or gradient.is_neg() for gradient in gradients)
    return len(kinds) <= 1 and known and here and not odd


def scan(terms: Mapping[str, list[Tensor]], gradients: list[Tensor], device: torch.device) -> Tensor:
    """Return 1 if a loss term or a gradient of any process is not finite, else 0, without waiting for the device.

    Args:
        terms: Loss terms by name, tensors of any shape.
        gradients: Gradients that can be scanned, none of them empty; they are written back as they were.
        device: Where the answer is computed.

    Returns:
        ``float32 ()``.
    """
    found = _look_at(terms, device)
    if gradients:
        # what GradScaler does, with a scale of 1: one launch for all gradients, where norms are a tensor for each
        torch._amp_foreach_non_finite_check_and_unscale_(gradients, found, torch.ones_like(found))
    all_reduce(found, 'max')
    return found


def any_rank_not_finite(terms: Mapping[str, list[Tensor]], gradients: list[Tensor], device: torch.device) -> bool:
    """Return whether a loss term or a gradient of any process is not finite: every process gets the same answer.

    Costs one pass over the gradients, a wait for the device, and with several processes one number sent.

    Args:
        terms: Loss terms by name, tensors of any shape.
        gradients: Gradients, none of them empty.
        device: Where the answer is computed.
    """
    if can_be_scanned(gradients, device):
        return bool(scan(terms, gradients, device).item())
    found = _look_at(terms, device)
    if not get_total_norm(gradients).isfinite():
        # the squares of finite gradients may have overflowed: look at each of them, which takes longer
        for gradient in gradients:
            found += ~gradient.isfinite().all().to(device)
    all_reduce(found, 'max')  # once, as in scan: other processes may have gradients of another kind
    return bool(found.item())


def _look_at(terms: Mapping[str, list[Tensor]], device: torch.device) -> Tensor:
    """Return 1 if a loss term is not finite, else 0, ``float32 ()``."""
    losses = [value.detach().reshape(-1).to(device) for tensors in terms.values() for value in tensors]
    found = torch.zeros((), dtype=torch.float32, device=device)
    return found + ~torch.cat(losses).isfinite().all() if losses else found


def names_not_finite(tensors: Iterable[tuple[str, Tensor | None]]) -> list[str]:
    """Return the names of those tensors that hold a NaN or an infinity; whole numbers and None do not."""
    names, verdicts = [], []
    for name, tensor in tensors:
        if tensor is not None and (tensor.is_floating_point() or tensor.is_complex()):
            names.append(name)
            verdicts.append(_stored(tensor.detach()).isfinite().all().cpu())
    return [name for name, is_finite in zip(names, verdicts, strict=True) if not is_finite]


def _stored(tensor: Tensor) -> Tensor:
    return tensor.coalesce().values() if tensor.is_sparse else tensor
