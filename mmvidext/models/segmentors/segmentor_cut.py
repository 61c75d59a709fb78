"""Cut an image segmentor in two: maps that are propagated, and the task network that reads them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from mmseg.models import BaseSegmentor, CascadeEncoderDecoder, EncoderDecoder
from mmseg.models.decode_heads import DDRHead, PIDHead, PointHead
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmvidext.models.segmentors.head_cascade import HeadCascade, whole_head
from mmvidext.models.segmentors.head_output import classifier_of, run_head

__all__ = ['BackboneCut', 'ClassifierCut', 'Cut', 'Encoded', 'LogitsCut', 'check_segmentor']


class Encoded(NamedTuple):
    """What the expensive part gives for a key frame.

    Attributes:
        maps: What is propagated, ``(N, C, H, W)`` each.
        others: What the head returned beside its logits, which only its loss reads: a tuple with None in the place of
            the logits. None for a head that returns logits alone.
    """

    maps: tuple[Tensor, ...]
    others: tuple[Any, ...] | None = None


class Cut(Protocol):
    """Where a segmentor is cut."""

    channels: tuple[int, ...]

    def encode(self, head: Any, features: Any) -> Encoded:
        """Turn the output of backbone and neck into the maps that are propagated."""
        ...

    def decode(self, head: Any, maps: Sequence[Tensor]) -> Tensor:
        """Turn propagated maps into logits ``(N, K, H, W)``."""
        ...

    def loss_input(self, head: Any, maps: Sequence[Tensor], others: tuple[Any, ...] | None) -> Any:
        """Turn propagated maps into what the head's ``loss_by_feat`` takes; ``others`` have been warped too."""
        ...

    def task_modules(self, segmentor: EncoderDecoder) -> list[nn.Module]:
        """Return the modules behind the cut."""
        ...


def check_segmentor(segmentor: BaseSegmentor, propagate: str) -> None:
    """Raise unless the segmentor can be cut.

    Raises:
        ValueError: If it is not an ``EncoderDecoder``, does more than its backbone and heads do, has a head that
            does not give logits for each pixel, or slides a window and does not propagate logits.
    """
    head = getattr(segmentor, 'decode_head', None)
    stages = list(head) if isinstance(head, nn.ModuleList) else [head]
    for part, kinds in ((segmentor, EncoderDecoder), *((stage, BaseDecodeHead) for stage in stages)):
        if not isinstance(part, kinds) or isinstance(part, PointHead):
            raise ValueError(
                f'{type(part).__name__} cannot be propagated in any mode: Deep Feature Flow needs an EncoderDecoder '
                'whose decode heads give logits for each pixel, such as PSPHead, DepthwiseSeparableASPPHead, UPerHead, '
                'SegformerHead or OCRHead'
            )
    plain = CascadeEncoderDecoder if isinstance(segmentor, CascadeEncoderDecoder) else EncoderDecoder
    if type(segmentor).encode_decode is not plain.encode_decode:
        raise ValueError(
            f'{type(segmentor).__name__} does more than its backbone and its decode head, which propagation would '
            f'leave out: use {plain.__name__}'
        )
    mode = (segmentor.test_cfg or {}).get('mode', 'whole')
    if mode != 'whole' and propagate != 'logits':
        raise ValueError(
            f"the segmentor's test_cfg has mode='{mode}', but windows have no features of the whole frame: set "
            "propagate='logits', or test_cfg=dict(mode='whole')"
        )


class ClassifierCut:
    """Propagate what the head's classifier receives, as the paper does: the task network is the classifier."""

    def __init__(self, segmentor: EncoderDecoder, config: Any) -> None:
        head = whole_head(segmentor)
        classifier = classifier_of(head)
        if classifier is None:
            raise ValueError(_no_classifier(head))
        self.channels: tuple[int, ...] = (classifier.in_channels,)

    def encode(self, head: Any, features: Any) -> Encoded:
        """Return the classifier's input; dropout, which drops whole channels, comes before the warp."""
        output = run_head(head, features)
        if output.feature is None:
            raise ValueError(_no_classifier(head))
        return Encoded((output.feature,), output.others)

    def decode(self, head: Any, maps: Sequence[Tensor]) -> Tensor:
        """Classify."""
        return head.conv_seg(maps[0])

    def loss_input(self, head: Any, maps: Sequence[Tensor], others: tuple[Any, ...] | None) -> Any:
        """Classify, and put the logits among the head's other outputs."""
        return _insert(self.decode(head, maps), others)

    def task_modules(self, segmentor: EncoderDecoder) -> list[nn.Module]:
        """Return the classifier."""
        return [whole_head(segmentor).conv_seg]


class LogitsCut:
    """Propagate the logits: nothing runs behind the warp."""

    def __init__(self, segmentor: EncoderDecoder, config: Any) -> None:
        self.channels: tuple[int, ...] = (segmentor.out_channels,)

    def encode(self, head: Any, features: Any) -> Encoded:
        """Return the logits."""
        output = run_head(head, features)
        return Encoded((output.logits,), output.others)

    def decode(self, head: Any, maps: Sequence[Tensor]) -> Tensor:
        """Return the propagated logits."""
        return maps[0]

    def loss_input(self, head: Any, maps: Sequence[Tensor], others: tuple[Any, ...] | None) -> Any:
        """Put the logits among the head's other outputs."""
        return _insert(maps[0], others)

    def task_modules(self, segmentor: EncoderDecoder) -> list[nn.Module]:
        """Return nothing."""
        return []


class BackboneCut:
    """Propagate what the head reads of the output of backbone and neck: the whole head runs on every frame."""

    def __init__(self, segmentor: EncoderDecoder, config: Any) -> None:
        head = whole_head(segmentor)
        if isinstance(head, DDRHead | PIDHead):
            raise ValueError(
                f"{type(head).__name__} reads other features in training than afterwards, so propagate='backbone' "
                "cannot learn to scale them: use propagate='feature' or 'logits'"
            )
        self._levels, self.channels = _read_levels(head, config)

    def encode(self, head: Any, features: Any) -> Encoded:
        """Return the features that the head reads."""
        maps = tuple(features[level] for level in self._levels)
        for feature in maps:
            if not isinstance(feature, Tensor) or feature.ndim != 4:
                raise ValueError(
                    f"propagate='backbone' needs maps (N, C, H, W), but {type(head).__name__} reads a "
                    f"{type(feature).__name__} of the backbone: use propagate='feature' or 'logits'"
                )
        return Encoded(maps)

    def decode(self, head: Any, maps: Sequence[Tensor]) -> Tensor:
        """Run the head."""
        return run_head(head, self._spread(maps)).logits

    def loss_input(self, head: Any, maps: Sequence[Tensor], others: tuple[Any, ...] | None) -> Any:
        """Run the head."""
        return head(self._spread(maps))

    def task_modules(self, segmentor: EncoderDecoder) -> list[nn.Module]:
        """Return the head."""
        return [segmentor.decode_head]

    def _spread(self, maps: Sequence[Tensor]) -> '_Levels':
        return _Levels(dict(zip(self._levels, maps, strict=True)))


class _Levels:
    """The propagated features at the indices where a head looks for them."""

    def __init__(self, maps: dict[int, Tensor]) -> None:
        self.maps = maps

    def __getitem__(self, level: int) -> Tensor:
        if level not in self.maps:
            raise ValueError(
                f"propagate='backbone' propagates the levels {tuple(self.maps)}, which in_index of the head names, but "
                f"it reads level {level} too: use propagate='feature' or 'logits'"
            )
        return self.maps[level]


def _read_levels(head: Any, config: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the levels that a head reads and their channels."""
    if isinstance(head, HeadCascade):
        levels: dict[int, int] = {}
        for stage, stage_config in zip(head.stages, config, strict=True):
            levels.update(zip(*_read_levels(stage, stage_config), strict=True))
        return tuple(levels), tuple(levels.values())
    # a head that concatenates its levels keeps only the sum of their channels, its config has them all
    channels = config.get('in_channels', head.in_channels)
    if not isinstance(head.in_index, int):
        return tuple(head.in_index), tuple(channels)
    low_level = getattr(head, 'c1_bottleneck', None)  # of DepthwiseSeparableASPPHead, which reads level 0 beside
    if low_level is not None:
        return (head.in_index, 0), (channels, low_level.in_channels)
    return (head.in_index,), (channels,)


def _insert(logits: Tensor, others: tuple[Any, ...] | None) -> Any:
    return logits if others is None else tuple(logits if other is None else other for other in others)


def _no_classifier(head: Any) -> str:
    return (
        f"propagate='feature' needs a decode head whose forward ends with one call of its classifier (conv_seg) on a "
        f"map (N, C, H, W), but {type(head).__name__} is not made so: use propagate='logits' or 'backbone'"
    )
