"""What a source of weights is: how to recognize it, and how its names become ours."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from mmvidext.checkpoints.read import StateDict

__all__ = ['HEAD', 'RESNET', 'Rules', 'Source']

# A pattern and what replaces it in a name. Of several replacements the one that the model has is taken; None is a
# tensor that the official network never uses.
Rules = tuple[tuple[str, str | tuple[str, ...] | None], ...]

HEAD = 'cls_head.fc_cls.'
# torchvision's names of a ResNet's layers into mmaction2's
RESNET: Rules = (
    (r'(^|\.)conv(\d)(\.net2?)?\.(weight|bias)$', r'\1conv\2.conv\3.\4'),
    (r'(^|\.)bn(\d)\.', r'\1conv\2.bn.'),
    (r'\.downsample\.0\.', '.downsample.conv.'),
    (r'\.downsample\.1\.', '.downsample.bn.'),
)
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
        image_network: Its layers go into those that a video network shares with it, when a backbone is loaded.
    """

    name: str
    summary: str
    recognize: Callable[[StateDict], bool]
    rules: Rules | Callable[[Collection[str]], Rules]
    change: Callable[[StateDict], StateDict] | None = None
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
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
