"""What a source of weights is: how to recognize it, and how its names become ours."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from mmvidext.checkpoints.read import StateDict

__all__ = ['HEAD', 'IMAGENET_INPUT', 'KINETICS_INPUT', 'RESNET', 'Rules', 'Settings', 'Source', 'flow_input']

# A pattern and what replaces it in a name. Of several replacements the one that the model has is taken; None is a
# tensor that the official network never uses.
Rules = tuple[tuple[str, str | tuple[str, ...] | None], ...]

Settings = dict[str, dict[str, Any]]

HEAD = 'cls_head.fc_cls.'
# torchvision's names of a ResNet's layers into mmaction2's
RESNET: Rules = (
    (r'(^|\.)conv(\d)(\.net2?)?\.(weight|bias)$', r'\1conv\2.conv\3.\4'),
    (r'(^|\.)bn(\d)\.', r'\1conv\2.bn.'),
    (r'\.downsample\.0\.', '.downsample.conv.'),
    (r'\.downsample\.1\.', '.downsample.bn.'),
)
# what the official networks take: RGB of 0 to 255, less the mean, over the standard deviation
IMAGENET_INPUT: Settings = {
    'ActionDataPreprocessor': dict(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), to_rgb=False)
}
KINETICS_INPUT: Settings = {
    'ActionDataPreprocessor': dict(mean=(110.201, 100.64, 95.995), std=(58.148, 56.47, 55.332), to_rgb=False)
}
_WRAPPERS = ('net', 'net2', 'block')  # modules that a video network puts around the layers of a 2D one


@dataclass(frozen=True)
class Source:
    """One family of checkpoints.

    Attributes:
        name: What ``--source`` takes.
        summary: The repository and its models, for ``--help``.
        recognize: Whether a state dict may belong to this family. Where more than one says yes, the one that fits the
            model best is taken.
        rules: Applied to a name one after the other; or what gives them, from the names of the model.
        change: Changes values, under our names.
        settings: What a class in the model must be set to, that shows in no tensor: class name to its attributes.
        note: What a model must be set to that shows in its tensors, for the message when a file does not fit.
        image_network: Its layers go into those that a video network shares with it, when a backbone is loaded.
    """

    name: str
    summary: str
    recognize: Callable[[StateDict], bool]
    rules: Rules | Callable[[Collection[str]], Rules]
    change: Callable[[StateDict], StateDict] | None = None
    settings: Settings = field(default_factory=dict)
    note: str = ''
    image_network: bool = False

    def rename(self, names: Collection[str], own: Collection[str], *, is_part: bool) -> dict[str, str | None]:
        """Return our name of each official one, or None where the network never uses it.

        Args:
            names: Official names.
            own: Names of the model.
            is_part: Whether a part of the network is loaded, for example the backbone.
        """
        rules = self.rules(own) if callable(self.rules) else self.rules
        compiled = [(re.compile(pattern), replacement) for pattern, replacement in rules]
        inner = {_without_wrappers(name): name for name in own} if self.image_network and is_part else {}
        renamed: dict[str, str | None] = {}
        for name in names:
            candidates: list[str | None] = [*_apply(name, compiled)] or [None]
            ours = next((candidate for candidate in candidates if candidate in own), candidates[0])
            renamed[name] = inner.get(ours, ours) if ours is not None and ours not in own else ours
        return renamed


def flow_input(mean: tuple[float, float, float]) -> Settings:
    """Return what a flow network takes that was trained on RGB in [0, 1] less a mean, which is given times 255."""
    return {name: dict(mean=mean, std=(255.0, 255.0, 255.0)) for name in ('FlowDataPreprocessor', 'FlowInput')}


def _apply(name: str, rules: list[tuple[re.Pattern[str], str | tuple[str, ...] | None]]) -> list[str]:
    """Return what ``name`` may become; nothing if the network never uses it."""
    candidates = [name]
    for pattern, replacement in rules:
        if replacement is None:
            candidates = [candidate for candidate in candidates if not pattern.search(candidate)]
            continue
        choices = (replacement,) if isinstance(replacement, str) else replacement
        candidates = [pattern.sub(choice, one, count=1) for one in candidates for choice in choices]
    return candidates


def _without_wrappers(name: str) -> str:
    return '.'.join(part for part in name.split('.') if part not in _WRAPPERS)
