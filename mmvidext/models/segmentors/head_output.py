"""Run a decode head and see what its classifier receives."""

from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ['HeadOutput', 'classifier_of', 'run_head']


class HeadOutput(NamedTuple):
    """What a decode head gave.

    Attributes:
        logits: ``(N, K, H, W)``.
        feature: ``(N, C, H, W)``, what the classifier made the logits from; None where the head has no classifier or
            goes on after it.
        others: The outputs of a head that returns several, with None in the place of the logits; otherwise None.
    """

    logits: Tensor
    feature: Tensor | None
    others: tuple[Any, ...] | None


class _CallsOf(TorchFunctionMode):
    """Note the input and output of each torch function that is called with a certain weight.

    Nothing is written into the head or registered on it, and ``torch.compile`` traces it (hooks that are registered
    within a call, it does not).
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = weight
        self.calls: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if len(args) > 1 and args[1] is self.weight:
            self.calls.append((args[0], output))
        return output


def classifier_of(head: Any) -> nn.Conv2d | None:
    """Return the convolution that a decode head of mmseg ends with, or None where its scores come from elsewhere."""
    classifier = getattr(head, 'conv_seg', None)
    return classifier if isinstance(classifier, nn.Conv2d) else None


def run_head(head: Any, features: Any) -> HeadOutput:
    """Run a decode head of mmseg.

    Args:
        head: A ``BaseDecodeHead``.
        features: What it takes: the features of backbone and neck.

    Raises:
        ValueError: If it returns several outputs, none of which is its classifier's.
    """
    classifier = classifier_of(head)
    if classifier is None:
        output, calls = head(features), []
    else:
        mode = _CallsOf(classifier.weight)
        with mode:
            output = head(features)
        calls = mode.calls
    if isinstance(output, Tensor):
        ends_there = len(calls) == 1 and calls[0][1] is output and calls[0][0].ndim == 4
        return HeadOutput(output, calls[0][0] if ends_there else None, None)
    for feature, logits in calls:
        if len(calls) == 1 and any(part is logits for part in output):
            return HeadOutput(logits, feature, tuple(None if part is logits else part for part in output))
    raise ValueError(
        f'{type(head).__name__} returns {len(output)} outputs, but its classifier (conv_seg) made none of them, so it '
        "is not known which are the logits: use propagate='backbone'"
    )
