"""The checkpoint that a config's ``init_cfg`` names."""

from typing import Any

__all__ = ['pretrained_file']


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
