"""Find keys of a config's data sets, pipeline steps, hooks, samplers, schedules and metrics that no class takes."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    METRICS,
    PARAM_SCHEDULERS,
    TRANSFORMS,
    DefaultScope,
    Registry,
)
from mmengine.runner import Runner
from mmengine.utils import get_object_from_string

from mmvidext.cli.config_names import ConfigError, nearest

__all__ = ['check_component_keys']

# read by the registry or by who builds the object, and not passed on to it
_ALWAYS = ('type', '_scope_', '_delete_', 'priority', 'convert_to_iter_based')
# where the `**kwargs` of a class go, if not to its base class
_TAKES_MORE = {CheckpointHook: Runner.save_checkpoint}


def check_component_keys(cfg: Config) -> list[str]:
    """Find the keys that the class of such a component does not take, before anything is built.

    Models are left out: their settings such as ``norm_cfg`` are named like a layer and hold more than it takes, and a
    key that a model does not take is an error when it is built.

    Many classes of the toolboxes have a ``**kwargs`` of which they use nothing, so that a misspelled key is lost.

    Returns:
        A line for each key that nothing reads and that is like no other; some configs of the toolboxes have such.

    Raises:
        ConfigError: If such a key looks like a misspelled one, or the class has no ``**kwargs``. Names the place of the
            key, the class, and the most similar key that it takes.
    """
    unread = []
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmengine'):
        for place, component, registries in _components(cfg):
            cls = _find_class(component['type'], registries)
            arguments = None if cls is None else _arguments(cls)
            if cls is None or arguments is None:
                continue
            for key in component:
                if key not in (*arguments.names, *_ALWAYS):
                    near = nearest(key, arguments.names)
                    names = ', '.join(arguments.names) or 'no argument'
                    line = f'{cfg.filename}: nothing reads {place}.{key}{near or f" ({cls.__name__} takes {names})"}'
                    if near or not arguments.drops_others:
                        raise ConfigError(line)
                    unread.append(line)
    return unread


def _components(cfg: Config) -> Iterator[tuple[str, Mapping[str, Any], tuple[Registry, ...]]]:
    """Yield the dictionaries with a ``type``, with their places and the registries that may know the type."""
    for name in ('default_hooks', 'custom_hooks'):
        yield from _typed(cfg.get(name), name, (HOOKS,))
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loaders = cfg.get(name)
        for loader in loaders if isinstance(loaders, list) else [loaders]:
            if isinstance(loader, Mapping):
                yield from _typed(loader.get('dataset'), f'{name}.dataset', (DATASETS, TRANSFORMS))
                yield from _typed(loader.get('sampler'), f'{name}.sampler', (DATA_SAMPLERS,))
    yield from _typed(cfg.get('param_scheduler'), 'param_scheduler', (PARAM_SCHEDULERS,))
    for name in ('val_evaluator', 'test_evaluator'):
        yield from _typed(cfg.get(name), name, (METRICS,))


def _typed(
    node: Any, place: str, registries: tuple[Registry, ...]
) -> Iterator[tuple[str, Mapping[str, Any], tuple[Registry, ...]]]:
    if isinstance(node, Mapping):
        if 'type' in node:
            yield place, node, registries
        for key, value in node.items():
            yield from _typed(value, f'{place}.{key}', registries)
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _typed(value, f'{place}.{index}', registries)


def _find_class(kind: Any, registries: tuple[Registry, ...]) -> type | None:
    """Return the class of a ``type``, or None if it is none that is registered: who builds it will say so."""
    if not isinstance(kind, str):
        return kind if isinstance(kind, type) else None
    for registry in registries:
        with registry.switch_scope_and_registry(None) as current:
            found = current.get(kind)
        if isinstance(found, type):
            return found
    found = get_object_from_string(kind) if '.' in kind else None
    return found if isinstance(found, type) else None


class _Arguments(NamedTuple):
    """What a class takes by name, and whether it takes any other name as well, and drops it."""

    names: list[str]
    drops_others: bool


def _arguments(cls: type) -> _Arguments | None:
    """Return the arguments of a class, those of its bases included as far as it hands its ``**kwargs`` to them.

    None if that cannot be told, because they go elsewhere.
    """
    names: dict[str, None] = {}
    for base in cls.__mro__:
        if '__init__' not in vars(base) or base is object:
            continue
        parameters = list(inspect.signature(vars(base)['__init__']).parameters.values())[1:]
        names.update({p.name: None for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)})
        others = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
        if others is None:
            return _Arguments(list(names), drops_others=False)
        if base in _TAKES_MORE:
            names.update(dict.fromkeys(inspect.signature(_TAKES_MORE[base]).parameters))
            return _Arguments(list(names), drops_others=False)
        uses, goes_to_base = _uses(base, others)
        if uses == 0:
            return _Arguments(list(names), drops_others=True)
        if uses > 1 or not goes_to_base:
            return None
    return _Arguments(list(names), drops_others=False)


def _uses(cls: type, name: str) -> tuple[int, bool]:
    """Return how often the ``__init__`` of a class uses a variable, and whether it hands ``**name`` to its base."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(vars(cls)['__init__'])))
    except (OSError, TypeError, SyntaxError):
        return 2, False  # no source to look at
    uses = sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
    handed = any(
        isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith('super(')
        and any(word.arg is None and ast.unparse(word.value) == name for word in node.keywords)
        for node in ast.walk(tree)
    )
    return uses, handed
