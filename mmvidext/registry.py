"""Registries of the package: children of mmengine's root registries, scope ``mmvidext``.

A config names a component of ours with the scope, ``type='mmvidext.MSResNet'``, whatever its ``default_scope``. The
modules that register components are imported when a registry is first searched, so importing this file is cheap.
"""

from mmengine.registry import DATA_SAMPLERS as ROOT_DATA_SAMPLERS
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import METRICS as ROOT_METRICS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as ROOT_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import STRATEGIES as ROOT_STRATEGIES
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS
from mmengine.registry import Registry

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'HOOKS',
    'METRICS',
    'MODELS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'STRATEGIES',
    'TRANSFORMS',
]

SCOPE = 'mmvidext'

MODELS = Registry('model', parent=ROOT_MODELS, scope=SCOPE, locations=['mmvidext.models'])
DATASETS = Registry('dataset', parent=ROOT_DATASETS, scope=SCOPE, locations=['mmvidext.datasets'])
DATA_SAMPLERS = Registry('data sampler', parent=ROOT_DATA_SAMPLERS, scope=SCOPE, locations=['mmvidext.datasets'])
TRANSFORMS = Registry('transform', parent=ROOT_TRANSFORMS, scope=SCOPE, locations=['mmvidext.datasets.transforms'])
METRICS = Registry('metric', parent=ROOT_METRICS, scope=SCOPE, locations=['mmvidext.evaluation'])
HOOKS = Registry('hook', parent=ROOT_HOOKS, scope=SCOPE, locations=['mmvidext.engine'])
STRATEGIES = Registry('strategy', parent=ROOT_STRATEGIES, scope=SCOPE, locations=['mmvidext.engine'])
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor',
    parent=ROOT_OPTIM_WRAPPER_CONSTRUCTORS,
    scope=SCOPE,
    locations=['mmvidext.engine'],
)
