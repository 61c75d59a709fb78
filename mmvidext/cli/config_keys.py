"""The top-level keys of a config that something reads."""

import difflib
import inspect
from collections.abc import Collection

from mmengine.runner import Runner

__all__ = ['ENVIRONMENT_KEYS', 'KNOWN_KEYS', 'find_typo', 'is_unread']

# read by mmengine's runner beside its own arguments, by the tools of the toolboxes, and by ours
_OTHER_KEYS = (
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'dataset_type',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'runner_type',
    'starts_from',
    'strategy',
    'sync_bn',
    'tta_model',
    'tta_pipeline',
    'vis_backends',
)
KNOWN_KEYS = (*(name for name in inspect.signature(Runner).parameters if name != 'cfg'), *_OTHER_KEYS)
ENVIRONMENT_KEYS = ('cudnn_benchmark', 'dist_cfg', 'mp_cfg', 'resource_limit')

# names of the toolboxes' configs for what their dataloaders are built from: similar to keys, and no typos
_USUAL_VARIABLES = ('test_pipeline', 'train_pipeline', 'val_pipeline', 'data_root')
_SIMILAR = 0.85


def find_typo(key: str, used: Collection[str]) -> str | None:
    """Return the key that ``key`` was probably meant to be, or None if it is known, used, or like no other."""
    if not is_unread(key, used):
        return None
    close = difflib.get_close_matches(key, KNOWN_KEYS, n=1, cutoff=_SIMILAR)
    return close[0] if close else None


def is_unread(key: str, used: Collection[str]) -> bool:
    """Whether neither the runner and the tools nor the config itself, which uses the names ``used``, reads a key."""
    return key not in KNOWN_KEYS and key not in used and key not in _USUAL_VARIABLES
