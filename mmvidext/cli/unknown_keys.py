"""Find keys of a config that no class takes: in models, data sets, pipeline steps, hooks, loops, optimizers, ..."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mmengine import registry as all_registries
from mmengine.config import Config
from mmengine.dist import init_dist
from mmengine.model import BaseModel
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    LOG_PROCESSORS,
    LOOPS,
    METRICS,
    MODELS,
    OPTIM_WRAPPER_CONSTRUCTORS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
    PARAM_SCHEDULERS,
    TRANSFORMS,
    VISBACKENDS,
    VISUALIZERS,
    WEIGHT_INITIALIZERS,
    DefaultScope,
    Registry,
)
from mmengine.runner import Runner
from mmengine.utils.dl_utils import set_multi_processing
from torch.distributed import init_process_group
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.utils.data import DataLoader

from mmvidext.cli.class_arguments import class_arguments, find_class, keys_read, source_of, words_in
from mmvidext.cli.config_keys import dataloaders
from mmvidext.cli.config_names import ConfigError, nearest

__all__ = ['check_component_keys']

_ROOTS = tuple(value for value in vars(all_registries).values() if isinstance(value, Registry))
_SIMILAR_CLASS = 0.85  # names of classes are long and alike: RandomGamma is no misspelled RandomGrayscale
# read by the registry or by who builds the object, and not passed on to it
_ALWAYS = ('type', '_scope_', '_delete_', 'priority', 'convert_to_iter_based')
_LOADER_KEYS = (*inspect.signature(DataLoader).parameters, 'num_batch_per_epoch', 'disable_subprocess_warning')
_LOADER_DEFAULTS = {name: parameter.default for name, parameter in inspect.signature(DataLoader).parameters.items()}
_OPTIM_WRAPPER_KEYS = ('constructor', 'paramwise_cfg')
_DIST_KEYS = dict.fromkeys(
    ('port', *inspect.signature(init_dist).parameters, *inspect.signature(init_process_group).parameters)
)
# the settings of a layer, with what is read of them by who builds it
_LAYER_SETTINGS: dict[Any, tuple[tuple[Registry, ...], tuple[str, ...]]] = dict(
    conv_cfg=((MODELS,), ()),
    norm_cfg=((MODELS,), ('requires_grad',)),
    act_cfg=((MODELS,), ()),
    init_cfg=((WEIGHT_INITIALIZERS,), ('override', 'name')),
)
_DEFAULT_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')
_CLIP_KEYS = (*inspect.signature(clip_grad_norm_).parameters, *inspect.signature(clip_grad_value_).parameters)


class _Component(NamedTuple):
    """A dictionary with a ``type``, and the registries that may know it."""

    place: str
    keys: Mapping[str, Any]
    registries: tuple[Registry, ...]
    more: tuple[str, ...] = ()  # keys that who builds it reads
    scope: str | None = None  # where its ``type`` is looked up, if not in the default scope


def check_component_keys(cfg: Config) -> list[str]:
    """Find the keys that nothing reads, before anything is built.

    Of ``train_cfg`` and ``test_cfg`` of a model its code says which keys it reads. Its other settings whose names end
    with ``cfg`` may hold more than the layer that they are named like takes: of ``norm_cfg``, ``conv_cfg``, ``act_cfg``
    and ``init_cfg`` only misspelled keys are named, and the layer refuses what it does not take when it is built.

    Many classes of the toolboxes have a ``**kwargs`` of which they use nothing, so that a misspelled key is lost.

    Returns:
        A line for each key that nothing reads and that is like no other; some configs of the toolboxes have such.

    Raises:
        ConfigError: If such a key looks like a misspelled one, or the class has no ``**kwargs``. Names the place of the
            key, the class, and the most similar key that it takes. So for a class that is not there, with the most
            similar one that is.
    """
    unread = []
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmengine'):
        for component in _components(cfg):
            with DefaultScope.overwrite_default_scope(component.scope):
                cls = find_class(component.keys['type'], component.registries)
                if cls is None:
                    _check_class_name(cfg, component)
            arguments = None if cls is None else class_arguments(cls)
            if cls is not None and arguments is not None:
                known = [*arguments.names, *component.more]
                strict = not arguments.drops_others
                unread += _check(cfg, component.place, component.keys, known, strict, taker=cls.__name__)
                _check_values(cfg, component.place, component.keys, arguments.defaults, cls)
        for setting in _layer_settings(cfg.get('model'), 'model'):
            cls = find_class(setting.keys['type'], setting.registries)
            if cls is None:
                _check_class_name(cfg, setting)
            arguments = None if cls is None else class_arguments(cls)
            if cls is not None and arguments is not None:
                known = [*arguments.names, *setting.more]
                _check(cfg, setting.place, setting.keys, known, strict=False, taker=cls.__name__)
        for place, keys, known in _without_class(cfg):
            unread += _check(cfg, place, keys, known, strict=True, taker=place)
        for place, loader in dataloaders(cfg):
            _check_values(cfg, place, loader, _LOADER_DEFAULTS, DataLoader)
        for place, keys, known in _custom_keys(cfg):
            _check(cfg, place, keys, known, strict=False, taker=place)  # any other key is one of the optimizer
        unread += _check_model_settings(cfg)
    return [*unread, *_hooks_beside(cfg)]


def _hooks_beside(cfg: Config) -> list[str]:
    """Find the hooks that are like one of mmengine's by name, and do not replace it: their names are free."""
    near = {
        name: nearest(name, _DEFAULT_HOOKS) for name in cfg.get('default_hooks') or () if name not in _DEFAULT_HOOKS
    }
    return [
        f'{cfg.filename}: default_hooks.{name} is one more hook beside those of mmengine{like}'
        for name, like in near.items()
        if like
    ]


def _check_class_name(cfg: Config, component: _Component) -> None:
    """Refuse the name of a class that no registry has, if a class of that place has a similar name.

    A name that is like no other, or that is a path to import, is left to who builds it; not so that of an optimizer or
    a schedule, of which mmengine does not say so, or only when training begins.
    """
    name = component.keys['type']
    if not isinstance(name, str):
        return
    known = [known for registry in component.registries for known in _names_in(registry)]
    if f'mmvidext.{name}' in known:
        near = f'; did you mean mmvidext.{name}?'
    elif any(_is_registered(name, root) for root in _ROOTS):
        return
    else:
        near = nearest(name, known, _SIMILAR_CLASS)
    if near or ('.' not in name and component.registries in ((OPTIMIZERS,), (PARAM_SCHEDULERS,))):
        raise ConfigError(f'{cfg.filename}: there is no {component.place}.type {name}{near}')


def _is_registered(name: str, root: Registry) -> bool:
    """Whether a class is there, in any scope if its name has none."""
    scope, _, plain = name.rpartition('.')
    scopes = [root, *root.children.values()] if not scope else filter(None, [root.children.get(scope)])
    return any(plain in one.module_dict for one in scopes)


def _names_in(registry: Registry) -> Iterator[str]:
    """Yield the names that a ``type`` may have: plain ones of the default scope and its parents, others with theirs."""
    with registry.switch_scope_and_registry(None) as current:
        above: Registry | None = current
        while above is not None:
            yield from above.module_dict
            above = above.parent
        for scope, child in current.root.children.items():
            yield from (f'{scope}.{name}' for name in child.module_dict)


def _check(cfg: Config, place: str, keys: Iterable[str], known: list[str], strict: bool, taker: str) -> list[str]:
    """Return a line for each key that is not known; raise it if it is like one, or in any case if ``strict``."""
    unread = []
    for key in keys:
        if key not in (*known, *_ALWAYS):
            near = nearest(key, known)
            names = ', '.join(dict.fromkeys(known)) or 'no argument'
            line = f'{cfg.filename}: nothing reads {place}.{key}{near or f" ({taker} takes {names})"}'
            if near or strict:
                raise ConfigError(line)
            unread.append(line)
    return unread


def _check_values(cfg: Config, place: str, values: Mapping[str, Any], defaults: Mapping[str, Any], cls: type) -> None:
    """Compare values with the defaults of a class.

    Where the default is True or False, a text that the code does not know is refused: it would be true. Where it is a
    dictionary, so is a key that the code does not know and that is like one of its keys.
    """
    for key, value in values.items():
        default = defaults.get(key)
        if isinstance(default, bool) and isinstance(value, str) and value not in words_in(source_of([cls])):
            raise ConfigError(f'{cfg.filename}: {place}.{key} must be True or False, not {value!r}')
        if isinstance(default, Mapping) and isinstance(value, Mapping) and 'type' not in value:
            new = [name for name in value if name not in default]
            words = words_in(source_of([cls])) if new else ()
            unknown = [name for name in new if name not in words]
            _check(cfg, f'{place}.{key}', unknown, list(default), strict=False, taker=place)
            _check_values(cfg, f'{place}.{key}', value, default, cls)


def _components(cfg: Config) -> Iterator[_Component]:
    for name in ('default_hooks', 'custom_hooks'):
        yield from _typed(cfg.get(name), name, (HOOKS,))
    for name, loader in dataloaders(cfg):
        yield from _typed(loader.get('dataset'), f'{name}.dataset', (DATASETS, TRANSFORMS))
        yield from _typed(loader.get('sampler'), f'{name}.sampler', (DATA_SAMPLERS,))
        yield from _typed(loader.get('batch_sampler'), f'{name}.batch_sampler', (DATA_SAMPLERS,))
    yield from _typed(cfg.get('param_scheduler'), 'param_scheduler', (PARAM_SCHEDULERS,))
    for name in ('val_evaluator', 'test_evaluator'):
        yield from _typed(cfg.get(name), name, (METRICS,))
    yield from _typed(cfg.get('visualizer'), 'visualizer', (VISUALIZERS, VISBACKENDS))
    yield from _model_parts(cfg)
    yield from _of_the_run(cfg)


def _of_the_run(cfg: Config) -> Iterator[_Component]:
    """Yield what has a class by default."""
    wrapper = cfg.get('optim_wrapper')
    if isinstance(wrapper, Mapping) and 'optimizer' in wrapper:
        keys = {'type': 'OptimWrapper', **wrapper}
        yield _Component('optim_wrapper', keys, (OPTIM_WRAPPERS,), _OPTIM_WRAPPER_KEYS)
        yield from _typed(wrapper['optimizer'], 'optim_wrapper.optimizer', (OPTIMIZERS,))
    by_epoch = (cfg.get('train_cfg') or {}).get('by_epoch', True)
    loops = dict(train='EpochBasedTrainLoop' if by_epoch else 'IterBasedTrainLoop', val='ValLoop', test='TestLoop')
    for split, loop in loops.items():
        keys = cfg.get(f'{split}_cfg')
        if isinstance(keys, Mapping):
            yield _Component(
                f'{split}_cfg', {'type': loop, **keys}, (LOOPS,), ('by_epoch',) if split == 'train' else ()
            )
    processor = cfg.get('log_processor')
    if isinstance(processor, Mapping):
        yield _Component('log_processor', {'type': 'LogProcessor', **processor}, (LOG_PROCESSORS,))


def _without_class(cfg: Config) -> Iterator[tuple[str, Mapping[str, Any], list[str]]]:
    """Yield dictionaries that have no class, with the keys that are read of them."""
    for name, loader in dataloaders(cfg):
        yield name, loader, list(_LOADER_KEYS)
    fixed = dict(
        auto_scale_lr=['enable', 'base_batch_size'],
        randomness=list(inspect.signature(Runner.set_randomness).parameters)[1:],
    )
    for name, known in fixed.items():
        if isinstance(cfg.get(name), Mapping):
            yield name, cfg[name], known
    processes = (cfg.get('env_cfg') or {}).get('dist_cfg')
    if isinstance(processes, Mapping):
        yield 'env_cfg.dist_cfg', processes, list(_DIST_KEYS)
    together = (cfg.get('env_cfg') or {}).get('mp_cfg')
    if isinstance(together, Mapping):
        yield 'env_cfg.mp_cfg', together, list(inspect.signature(set_multi_processing).parameters)
    wrapper = cfg.get('optim_wrapper') or {}
    clip, special = wrapper.get('clip_grad'), wrapper.get('paramwise_cfg')
    if isinstance(clip, Mapping):
        yield 'optim_wrapper.clip_grad', clip, [name for name in _CLIP_KEYS if name != 'parameters']
    if isinstance(special, Mapping):
        constructor = wrapper.get('constructor') or DefaultOptimWrapperConstructor
        if cls := find_class(constructor, (OPTIM_WRAPPER_CONSTRUCTORS,)):
            source = source_of([cls])
            if not re.search(r'for \w+ in self\.paramwise_cfg\b(?!\[)', source):  # where keys are names of parameters
                yield 'optim_wrapper.paramwise_cfg', special, keys_read(source)


def _custom_keys(cfg: Config) -> Iterator[tuple[str, Mapping[str, Any], list[str]]]:
    """Yield the settings of single parameters, with what mmengine itself reads of them."""
    special = (cfg.get('optim_wrapper') or {}).get('paramwise_cfg')
    custom = special.get('custom_keys') if isinstance(special, Mapping) else None
    for name, keys in (custom or {}).items():
        if isinstance(keys, Mapping):
            yield f'optim_wrapper.paramwise_cfg.custom_keys.{name}', keys, ['lr_mult', 'decay_mult']


def _model_parts(cfg: Config) -> Iterator[_Component]:
    for name in ('model', 'tta_model'):
        yield from _typed(cfg.get(name), name, (MODELS,), settings=False)


def _layer_settings(node: Any, place: str) -> Iterator[_Component]:
    """Yield ``norm_cfg``, ``conv_cfg``, ``act_cfg`` and ``init_cfg`` wherever they are."""
    if not isinstance(node, (Mapping, list, tuple)):
        return
    for key, value in node.items() if isinstance(node, Mapping) else enumerate(node):
        yield from _layer_settings(value, f'{place}.{key}')
        registries, more = _LAYER_SETTINGS.get(key, ((), ()))
        several = isinstance(value, (list, tuple))  # an init_cfg may be one
        for index, setting in enumerate((value if several else [value]) if registries else []):
            if isinstance(setting, Mapping) and 'type' in setting:
                yield _Component(f'{place}.{key}.{index}' if several else f'{place}.{key}', setting, registries, more)


def _check_model_settings(cfg: Config) -> list[str]:
    """Check ``train_cfg`` and ``test_cfg`` of models, whose keys any part of a model may read."""
    parts = {part.place: (part.keys, find_class(part.keys['type'], part.registries)) for part in _model_parts(cfg)}
    source = source_of(cls for _, cls in parts.values() if cls is not None)
    known, words = keys_read(source), words_in(source)
    unread = []
    for place, (keys, cls) in parts.items():
        for name in ('train_cfg', 'test_cfg') if cls is not None and issubclass(cls, BaseModel) else ():
            unknown = [key for key in keys.get(name) or () if key not in words]
            unread += _check(cfg, f'{place}.{name}', unknown, known, strict=False, taker='the model')
    return unread


def _typed(
    node: Any, place: str, registries: tuple[Registry, ...], *, settings: bool = True, scope: str | None = None
) -> Iterator[_Component]:
    """Yield the dictionaries with a ``type`` inside of a node; with ``settings=False`` not those of keys ``...cfg``."""
    if isinstance(node, Mapping):
        scope = node.get('_scope_', scope)
        if 'type' in node:
            yield _Component(place, node, registries, scope=scope)
        for key, value in node.items():
            if settings or not key.endswith(('cfg', 'cfgs')):
                yield from _typed(value, f'{place}.{key}', registries, settings=settings, scope=scope)
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _typed(value, f'{place}.{index}', registries, settings=settings, scope=scope)
