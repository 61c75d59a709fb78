"""Whether numbers are finite, asked once for many tensors."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor
from torch.nn.utils import get_total_norm

__all__ = ['any_rank_not_finite', 'gradients_of', 'loss_terms', 'names_not_finite']


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
    values = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
    return [value for value in values if value.numel()]


def any_rank_not_finite(terms: Mapping[str, list[Tensor]], gradients: list[Tensor], device: torch.device) -> bool:
    """Return whether a loss term or a gradient of any process is not finite: every process gets the same answer.

    Costs one pass over the gradients, one wait for the device, and with several processes one number sent.

    Args:
        terms: Loss terms by name, tensors of any shape.
        gradients: Gradients, none of them empty.
        device: Where the answer is computed.
    """
    losses = [value.detach() for tensors in terms.values() for value in tensors]
    found = torch.zeros(1, device=device)
    if losses:
        found += ~torch.cat([value.reshape(-1).to(device, torch.float32) for value in losses]).isfinite().all()
    if gradients and _can_be_scanned(gradients, device):
        # what GradScaler does, with a scale of 1: one launch for all gradients, where norms are a tensor for each
        torch._amp_foreach_non_finite_check_and_unscale_(gradients, found, torch.ones(1, device=device))
    elif gradients:
        found += ~get_total_norm(gradients).isfinite().to(device)
    if not _on_any_rank(found):
        return False
    # a loss in float32, or the squares of finite gradients, may have overflowed: look at each, which takes longer
    found.zero_()
    for tensor in (*losses, *gradients):
        found += ~tensor.isfinite().all().to(device)
    return _on_any_rank(found)


def _can_be_scanned(gradients: list[Tensor], device: torch.device) -> bool:
    """Whether all are plain and of one type, none with a value in two places: values are written back as they were."""
    kinds = {(type(gradient), gradient.device, gradient.dtype) for gradient in gradients}
    if len(kinds) > 1 or any(0 in gradient.stride() for gradient in gradients):
        return False
    kind, where, dtype = kinds.pop()
    known = kind is Tensor and dtype in (torch.float32, torch.float16) and device.type in ('cpu', 'cuda')
    return known and where == device


def _on_any_rank(found: Tensor) -> bool:
    all_reduce(found, 'max')
    return bool(found.item())


def names_not_finite(tensors: Iterable[tuple[str, Tensor | None]]) -> list[str]:
    """Return the names of those tensors that hold a NaN or an infinity; whole numbers and None do not."""
    names, verdicts = [], []
    for name, tensor in tensors:
        if tensor is not None and (tensor.is_floating_point() or tensor.is_complex()):
            names.append(name)
            verdicts.append(tensor.detach().isfinite().all().cpu())
    return [name for name, is_finite in zip(names, verdicts, strict=True) if not is_finite]
