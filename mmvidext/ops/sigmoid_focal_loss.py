"""The sigmoid focal loss."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvidext.ops.checks import check_between, check_rank
from mmvidext.ops.precision import accumulation_dtype

__all__ = ['sigmoid_focal_loss']

_FAR = 1000.0  # exp(-1000), times the largest gamma, is zero also in float64


def sigmoid_focal_loss(
    logits: Tensor, target: Tensor, *, gamma: float = 2.0, alpha: float = 0.25, weight: Tensor | None = None
) -> Tensor:
    """Return the focal loss of each logit (Lin et al., ICCV 2017, eq. 5), not reduced.

    With ``p = sigmoid(logit)``: ``-alpha (1 - p)^gamma log(p)`` for the class of the target, and
    ``-(1 - alpha) p^gamma log(1 - p)`` for every other one. Formed from ``logsigmoid``, so that it and its gradient are
    finite for every finite logit and every ``gamma``.

    Args:
        logits: ``(N, C)``.
        target: ``int64 (N,)``: the class, or C for background. Any number outside of ``[0, C)`` is background.
        gamma: How much easy samples count less, 0 to 1e6.
        alpha: Weight of the positive class.
        weight: ``(C,)``, a factor for the row of each class; background has 1.

    Returns:
        ``(N, C)`` in the dtype of ``logits``.

    Raises:
        ValueError: If a shape does not fit, or ``gamma`` or ``alpha`` is out of range.

    Example:
        >>> import torch
        >>> from mmvidext.ops import sigmoid_focal_loss
        >>> sigmoid_focal_loss(torch.zeros(1, 2), torch.tensor([0]))
        tensor([[0.0433, 0.1300]])
    """
    check_rank(logits, '(N, C)', name='logits')
    classes = logits.shape[1]
    if target.shape != logits.shape[:1]:
        raise ValueError(f'target must be ({len(logits)},), one class for each row, but is {tuple(target.shape)}')
    check_between(gamma, 0, 1e6, name='gamma')
    check_between(alpha, -1e6, 1e6, name='alpha')
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ValueError(f'weight must be ({classes},), one for each class, but is {tuple(weight.shape)}')
    x = logits.to(accumulation_dtype(logits))
    # from here on a factor is 1, or the logarithm beside it 0; its derivative would be infinity times zero
    near = x.clamp(-_FAR, _FAR)
    positive = -alpha * (gamma * F.logsigmoid(-near)).exp() * F.logsigmoid(x)
    negative = (alpha - 1) * (gamma * F.logsigmoid(near)).exp() * F.logsigmoid(-x)
    loss = torch.where(target.unsqueeze(1) == torch.arange(classes, device=x.device), positive, negative)
    if weight is not None:
        is_class = (target >= 0) & (target < classes)
        factors = F.pad(weight.to(x.dtype), (0, 1), value=1.0)
        loss = loss * factors[torch.where(is_class, target, classes)].unsqueeze(1)
    return loss.to(logits.dtype)
