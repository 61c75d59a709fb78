"""The checkpoints that a config's ``init_cfg`` names."""

from typing import Any

from torch import nn

__all__ = ['pretrained_file', 'pretrained_files']


def pretrained_file(init_cfg: Any, *, prefix: str) -> tuple[str, str] | None:
    """Return the file of ``dict(type='Pretrained', checkpoint=..., prefix=...)`` and its prefix, or None.

    Args:
        init_cfg: mmengine's initialization config.
        prefix: Where it names none.
    """
    entries = init_cfg if isinstance(init_cfg, list) else [init_cfg]
    for entry in entries:
        if isinstance(entry, dict) and entry.get('type') == 'Pretrained':
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
