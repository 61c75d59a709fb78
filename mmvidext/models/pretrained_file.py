"""The checkpoints that a config's ``init_cfg`` names."""

from typing import Any

from mmengine.model import PretrainedInit
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import nn

__all__ = ['pretrained_file', 'pretrained_files']


def pretrained_file(init_cfg: Any, *, prefix: str) -> tuple[str, str] | None:
    """Return the file of ``dict(type='Pretrained', checkpoint=..., prefix=...)`` and its prefix, or None.

    Args:
        init_cfg: mmengine's initialization config: one or several dictionaries, whose ``type`` is a class or its name,
            with a scope or the module in front or not.
        prefix: Where it names none.

    Raises:
        ValueError: If it names no checkpoint.
    """
    entries = init_cfg if isinstance(init_cfg, list | tuple) else [init_cfg]
    for entry in entries:
        if isinstance(entry, dict) and _is_pretrained(entry.get('type')):
            if not entry.get('checkpoint'):
                raise ValueError(f'init_cfg {dict(entry)} must name a checkpoint: a file, an address or a name')
            return str(entry['checkpoint']), str(entry.get('prefix') or prefix)
    return None


def pretrained_files(model: nn.Module) -> list[str]:
    """Return what the config of a model names for its parts to start from (``pretrained``, ``init_cfg``)."""
    files = list[str]()
    for module in model.modules():
        given = pretrained_file(getattr(module, 'init_cfg', None), prefix='')
        files += [given[0]] if given else []
        files += [str(module.pretrained)] if getattr(module, 'pretrained', None) else []
    return list(dict.fromkeys(files))


def _is_pretrained(kind: Any) -> bool:
    return (WEIGHT_INITIALIZERS.get(kind) if isinstance(kind, str) else kind) is PretrainedInit
