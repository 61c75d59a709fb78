import math

import pytest
import torch
from torch.autograd import gradcheck

from mmvidext.ops import sigmoid_focal_loss


def literal_loss(logits, target, gamma, alpha, weight=None):
    loss = torch.zeros_like(logits)
    for n, c in torch.ones_like(logits).nonzero().tolist():
        p = 1 / (1 + math.exp(-logits[n, c].item()))
        positive = target[n] == c
        value = -alpha * (1 - p) ** gamma * math.log(p) if positive else -(1 - alpha) * p**gamma * math.log(1 - p)
        loss[n, c] = value * (weight[target[n]] if weight is not None and target[n] < logits.shape[1] else 1)
    return loss


@pytest.mark.parametrize('weighted', [False, True])
@pytest.mark.parametrize(('gamma', 'alpha'), [(2.0, 0.25), (0.0, 0.5), (0.5, 0.9)])
def test_equals_the_formula(gamma, alpha, weighted):
    logits, target = torch.randn(9, 3, dtype=torch.float64) * 3, torch.tensor([0, 1, 2, 3, 3, 0, 1, 2, 3])
    weight = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64) if weighted else None
    expected = literal_loss(logits, target, gamma, alpha, weight)
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        given = None if weight is None else weight.to(dtype)
        loss = sigmoid_focal_loss(logits.to(dtype), target, gamma=gamma, alpha=alpha, weight=given)
        torch.testing.assert_close(loss, expected.to(dtype), atol=tolerance, rtol=tolerance)
    logits.requires_grad_()
    assert gradcheck(lambda x: sigmoid_focal_loss(x, target, gamma=gamma, alpha=alpha, weight=weight), (logits,))


@pytest.mark.parametrize('gamma', [0.0, 0.5, 2.0])
def test_is_finite_with_its_gradient_for_extreme_logits(gamma):
    logits = torch.tensor([[1e4, -1e4, 90.0, -90.0]], requires_grad=True).expand(5, 4)
    loss = sigmoid_focal_loss(logits, torch.arange(5), gamma=gamma)
    (grad,) = torch.autograd.grad(loss.sum(), logits)
    assert loss.isfinite().all()
    assert grad.isfinite().all()


@pytest.mark.parametrize(
    ('logit', 'target', 'gamma', 'expected'),
    [  # far from zero the loss is linear in the logit of a wrong class, and zero for the right one
        (3e38, 1, 2.0, 0.75),
        (-3e38, 0, 100.0, -0.25),
        (-1e37, 0, 1e6, -0.25),
        (3e38, 0, 0.5, 0.0),
        (-3e38, 1, 1e6, 0.0),
    ],
)
def test_is_finite_with_its_gradient_for_the_largest_logits(logit, target, gamma, expected):
    for dtype, scale in ((torch.float32, 1), (torch.float64, 1e269)):
        logits = torch.tensor([[logit * scale]], dtype=dtype, requires_grad=True)
        loss = sigmoid_focal_loss(logits, torch.tensor([target]), gamma=gamma)
        loss.sum().backward()
        torch.testing.assert_close(loss, expected * logits)
        torch.testing.assert_close(logits.grad, torch.full_like(logits, expected))


def test_half_precision_and_no_rows():
    logits, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 3])
    for dtype in (torch.float16, torch.bfloat16):
        low = logits.to(dtype)
        assert torch.equal(sigmoid_focal_loss(low, target), sigmoid_focal_loss(low.float(), target).to(dtype))
    assert sigmoid_focal_loss(logits[:0], target[:0]).shape == (0, 3)


def test_errors():
    logits, target = torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64)
    with pytest.raises(ValueError, match=r'target must be \(4,\), one class for each row, but is \(3,\)'):
        sigmoid_focal_loss(logits, target[1:])
    with pytest.raises(ValueError, match=r'alpha must be between .* but is nan'):
        sigmoid_focal_loss(logits, target, alpha=float('nan'))
    with pytest.raises(ValueError, match=r'gamma must be between 0 and .* but is -1'):
        sigmoid_focal_loss(logits, target, gamma=-1)
    with pytest.raises(ValueError, match=r'weight must be \(3,\), one for each class, but is \(2,\)'):
        sigmoid_focal_loss(logits, target, weight=torch.ones(2))
