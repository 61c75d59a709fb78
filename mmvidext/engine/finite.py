"""Whether numbers are finite, asked once for many tensors."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from mmvidext.checkpoints.values import STATISTICS

__all__ = [
    'SHARED_OUT',
    'any_rank_not_finite',
    'gradients_of',
    'loss_terms',
    'names_not_finite',
    'statistics_of',
    'terms_not_finite',
    'weights_of',
]

SHARED_OUT = '_fsdp_wrapped_module.'  # FSDP puts it into the names of modules, but not of what is saved


def loss_terms(losses: Mapping[str, Any]) -> dict[str, list[Tensor]]:
    """Return the tensors of each term of a loss: what mmengine adds up, the entries with ``loss`` in their name."""
    terms = {name: value if isinstance(value, (list, tuple)) else [value] for name, value in losses.items()}
    return {
        name: [value for value in values if isinstance(value, Tensor)]
        for name, values in terms.items()
        if 'loss' in name
    }


def gradients_of(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Return the gradients that are there."""
    return [gradient for parameter in parameters if (gradient := parameter.grad) is not None]


def statistics_of(model: nn.Module) -> list[tuple[str, Tensor]]:
    """Return the running statistics of a model's normalizations with their names."""
    return [item for item in model.named_buffers() if item[0].rpartition('.')[2] in STATISTICS]


def weights_of(model: nn.Module) -> list[tuple[str, Tensor]]:
    """Return the parameters and the running statistics of a model with their names in a checkpoint."""
    both = *model.named_parameters(), *statistics_of(model)
    return [(name.replace(SHARED_OUT, ''), tensor) for name, tensor in both]


def terms_not_finite(losses: Mapping[str, Any]) -> list[str]:
    """Return the names of the terms that are not finite, where one without elements has a mean that is NaN."""
    return names_not_finite(
        (name, value.mean() if value.is_floating_point() else value)
        for name, values in loss_terms(losses).items()
        for value in values
    )


def any_rank_not_finite(values: list[Tensor], gradients: list[Tensor], device: torch.device) -> bool:
    """Return whether a value or a gradient of any process is not finite: every process gets the same answer.

    Costs one pass over the gradients, a wait for the device, and with several processes one number sent. The number of
    launches does not depend on that of the tensors, if they are of one kind.

    Args:
        values: Loss terms and running statistics, of any shape. One without elements counts as not finite, as its mean.
        gradients: Gradients of any kind.
        device: Where the answer is computed.
    """
    is_empty = not all(value.numel() for value in values)
    # a copy, because what is scanned is written back
    values = [torch.cat([value.detach().reshape(-1).to(device) for value in values])] if values else []
    found = torch.full((), float(is_empty), dtype=torch.float32, device=device)
    if _can_be_scanned(scanned := values + gradients, device):
        # what GradScaler does, with a scale of 1, so that nothing changes: norms would be a tensor for each gradient
        torch._amp_foreach_non_finite_check_and_unscale_(scanned, found, torch.ones_like(found))
    elif _one_is_not_finite(values, gradients):
        found.fill_(1)
    all_reduce(found, 'max')
    return bool(found.item())


def _can_be_scanned(tensors: list[Tensor], device: torch.device) -> bool:
    """Whether all are plain float32 tensors on the device, and none has a value in two places."""
    kinds = {(type(tensor), tensor.layout, tensor.dtype, tensor.device) for tensor in tensors}
    if kinds != {(Tensor, torch.strided, torch.float32, device)} or device.type not in ('cpu', 'cuda'):
        return False
    return not any(tensor.is_neg() or (not tensor.is_contiguous() and 0 in tensor.stride()) for tensor in tensors)


def _one_is_not_finite(values: list[Tensor], gradients: list[Tensor]) -> bool:
    if not all(value.isfinite().all() for value in values):
        return True
    stored = [gradient for gradient in map(_stored, gradients) if gradient.numel()]
    if get_total_norm(stored).isfinite():
        return False
    # the squares of finite gradients may have overflowed: look at each of them, which takes longer
    return not all(gradient.isfinite().all() for gradient in stored)


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
