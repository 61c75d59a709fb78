"""The top-level keys of a config that something reads."""

import difflib
import inspect
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

__all__ = ['ENVIRONMENT_KEYS', 'KNOWN_KEYS', 'RUNNER_KEYS', 'VALUE_TYPES', 'dataloaders', 'find_typo', 'is_unread']

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
RUNNER_KEYS = tuple(name for name in inspect.signature(Runner).parameters if name != 'cfg')
KNOWN_KEYS = (*RUNNER_KEYS, *_OTHER_KEYS)
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_LOOPS = ('train_cfg', 'val_cfg', 'test_cfg')
_PARTS = ('optim_wrapper', 'default_hooks', 'randomness', 'auto_scale_lr', 'log_processor', 'visualizer')
_NONE = type(None)
# what is read of a config before it is built, which would tell: the types in words, the types, and what has them
VALUE_TYPES = {
    'a dict': (
        (dict, _NONE),
        (*_LOOPS, *_PARTS, 'env_cfg', 'env_cfg.dist_cfg', 'env_cfg.mp_cfg'),
    ),
    'a dict or a list': (
        (dict, list, tuple, _NONE),
        (*_LOADERS, 'val_evaluator', 'test_evaluator', 'param_scheduler'),
    ),
    'a list': ((list, tuple, _NONE), ('custom_hooks',)),
    'a string': (
        (str, Path, _NONE),
        ('default_scope', 'work_dir', 'load_from', 'experiment_name', 'launcher', 'default_hooks.checkpoint.out_dir'),
    ),
    'the name of a level, such as INFO': ((str, int), ('log_level',)),
    'a whole number': ((int,), tuple(f'{loader}.num_workers' for loader in _LOADERS)),
    'True or False': ((bool, _NONE), ('resume',)),
}
ENVIRONMENT_KEYS = ('cudnn_benchmark', 'dist_cfg', 'mp_cfg', 'resource_limit')

# names of the toolboxes' configs for what their dataloaders are built from: similar to keys, and no typos
_USUAL_VARIABLES = ('test_pipeline', 'train_pipeline', 'val_pipeline', 'data_root')
_SIMILAR = 0.85


def dataloaders(cfg: Config) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the settings of each loader of a config, with the key that has it, or a list of several."""
    for key in _LOADERS:
        loaders = cfg.get(key)
        for loader in loaders if isinstance(loaders, (list, tuple)) else [loaders]:
            if isinstance(loader, dict):
                yield key, loader


def find_typo(key: str, used: Collection[str]) -> str | None:
    """Return the key that ``key`` was probably meant to be, or None if it is known, used, or like no other."""
    if not is_unread(key, used):
        return None
    close = difflib.get_close_matches(key, KNOWN_KEYS, n=1, cutoff=_SIMILAR)
    return close[0] if close else None


def is_unread(key: str, used: Collection[str]) -> bool:
    """Whether neither the runner and the tools nor the config itself, which uses the names ``used``, reads a key."""
    return key not in KNOWN_KEYS and key not in used and key not in _USUAL_VARIABLES
