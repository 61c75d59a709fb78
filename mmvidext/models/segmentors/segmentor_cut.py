"""Cut an image segmentor in two: maps that are propagated, and the task network that reads them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmseg.models import BaseSegmentor, EncoderDecoder
from torch import Tensor, nn

__all__ = ['BackboneCut', 'ClassifierCut', 'LogitsCut', 'check_segmentor', 'classifier_input']

_PROBE_SIZE = 64  # pixels of the square that is used to learn how many channels a backbone gives


@contextmanager
def _without_classifier(head: Any) -> Iterator[list[Tensor]]:
    """Let the head's forward return what its classifier receives; yield the list of what it received."""
    received: list[Tensor] = []

    def keep(feature: Tensor) -> Tensor:
        received.append(feature)
        return feature

    head.cls_seg = keep
    try:
        yield received
    finally:
        del head.cls_seg


def classifier_input(head: Any, features: Sequence[Tensor]) -> Tensor:
    """Return what the classifier of an mmseg decode head (``cls_seg``) receives.

    Args:
        head: Any head whose forward ends with its classifier.
        features: What the backbone and the neck give, ``(N, C, H, W)`` each.

    Returns:
        ``(N, C, H, W)``; ``head.cls_seg`` of it is exactly ``head.forward(features)``.

    Raises:
        ValueError: If the forward does anything with the classifier's output, or never calls it.
    """
    with _without_classifier(head) as received:
        output = head(features)
    if len(received) != 1 or output is not received[0] or output.ndim != 4:
        raise ValueError(
            f'the features of {type(head).__name__} cannot be warped: its forward does not end with one call of '
            f'cls_seg on a map (N, C, H, W) ({len(received)} calls seen); use a head that does, such as PSPHead, '
            "DepthwiseSeparableASPPHead, UPerHead or SegformerHead, or propagate='backbone'"
        )
    return output


def check_segmentor(segmentor: BaseSegmentor) -> None:
    """Raise unless the segmentor can be cut.

    Raises:
        ValueError: If it is no ``EncoderDecoder``, is a cascade, has no classifier, or slides a window over the image.
    """
    name = type(segmentor).__name__
    head = getattr(segmentor, 'decode_head', None)
    if not isinstance(segmentor, EncoderDecoder) or isinstance(head, nn.ModuleList):
        raise ValueError(
            f'the features of {name} cannot be warped: only an EncoderDecoder with one decode head has one map that '
            'its classifier receives'
        )
    if not hasattr(head, 'cls_seg') or not hasattr(head, 'conv_seg'):
        raise ValueError(
            f'the features of {type(head).__name__} cannot be warped: it has no per-pixel classifier (cls_seg, '
            'conv_seg); use a head such as PSPHead, DepthwiseSeparableASPPHead, UPerHead or SegformerHead'
        )
    mode = (segmentor.test_cfg or {}).get('mode', 'whole')
    if mode != 'whole':
        raise ValueError(
            f"the segmentor's test_cfg has mode='{mode}', but features are propagated for the whole frame: set "
            "test_cfg=dict(mode='whole')"
        )


class ClassifierCut:
    """Propagate what the head's classifier receives, as the paper does: the task network is the classifier."""

    def __init__(self, segmentor: EncoderDecoder) -> None:
        self.channels: tuple[int, ...] = (segmentor.decode_head.conv_seg.in_channels,)

    def encode(self, head: Any, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Turn the output of backbone and neck into the maps that are propagated."""
        return (classifier_input(head, features),)

    def decode(self, head: Any, maps: Sequence[Tensor]) -> Tensor:
        """Turn propagated maps into logits ``(N, K, H, W)``."""
        return head.cls_seg(maps[0])

    def task_modules(self, segmentor: EncoderDecoder) -> list[nn.Module]:
        """Return the modules behind the cut."""
        return [segmentor.decode_head.conv_seg]


class BackboneCut:
    """Propagate what the head reads of the output of backbone and neck: the whole head runs on every frame."""

    def __init__(self, segmentor: EncoderDecoder) -> None:
        features, self._levels = _probe(segmentor)
        self._num_levels = len(features)
        self.channels = tuple(features[level].shape[1] for level in self._levels)

    def encode(self, head: Any, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the maps that are propagated: the features that the head reads."""
        return tuple(features[level] for level in self._levels)

    def decode(self, head: Any, maps: Sequence[Tensor]) -> Tensor:
        """Turn propagated maps into logits ``(N, K, H, W)``."""
        levels: list[Tensor | None] = [None] * self._num_levels
        for level, feature in zip(self._levels, maps, strict=True):
            levels[level] = feature
        return head(levels)

    def task_modules(self, segmentor: EncoderDecoder) -> list[nn.Module]:
        """Return the modules behind the cut."""
        return [segmentor.decode_head]


def _probe(segmentor: EncoderDecoder) -> tuple[Sequence[Tensor], tuple[int, ...]]:
    """Run the segmentor on a tiny image; return its features and the levels that its head reads."""
    training = segmentor.training
    segmentor.eval()
    with torch.no_grad():
        features = segmentor.extract_feat(torch.zeros(1, 3, _PROBE_SIZE, _PROBE_SIZE))
    for feature in features:
        if not isinstance(feature, Tensor) or feature.ndim != 4:
            raise ValueError(
                f'the features of {type(segmentor.backbone).__name__} cannot be warped: they must be maps (N, C, H, '
                f'W), but one is a {type(feature).__name__} of shape {tuple(getattr(feature, "shape", ()))}; use '
                "propagate='feature'"
            )
    with torch.enable_grad():
        features = [feature.detach().requires_grad_() for feature in features]
        gradients = torch.autograd.grad(segmentor.decode_head(features).sum(), features, allow_unused=True)
    segmentor.train(training)
    return features, tuple(level for level, gradient in enumerate(gradients) if gradient is not None)


class LogitsCut:
    """Propagate the logits: nothing runs behind the warp."""

    def __init__(self, segmentor: EncoderDecoder) -> None:
        self.channels: tuple[int, ...] = (segmentor.decode_head.out_channels,)

    def encode(self, head: Any, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Turn the output of backbone and neck into logits."""
        return (head.cls_seg(classifier_input(head, features)),)

    def decode(self, head: Any, maps: Sequence[Tensor]) -> Tensor:
        """Return the propagated logits."""
        return maps[0]

    def task_modules(self, segmentor: EncoderDecoder) -> list[nn.Module]:
        """Return the modules behind the cut: none."""
        return []
