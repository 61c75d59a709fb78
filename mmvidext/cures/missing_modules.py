"""Modules that the stack imports and nobody installed: ``mmcv._ext`` of mmcv-lite, and DRN of mmaction2's wheel.

A finder at the **end** of ``sys.meta_path`` supplies a stand-in, so Python asks it only after every real finder has
failed: a full mmcv, or a repaired mmaction2, is never touched.
"""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NoReturn

__all__ = ['DRN', 'is_missing', 'supply_drn', 'supply_mmcv_ext']

DRN = 'mmaction.models.localizers.drn'


def is_missing(module: str) -> bool:
    """Whether ``module`` does not exist inside an installed parent; imports nothing."""
    top, *rest = module.split('.')
    spec = importlib.util.find_spec(top)
    for depth in range(1, len(rest) + 1):
        if spec is None:
            return False  # the parent itself is absent: nothing to fix
        spec = PathFinder.find_spec('.'.join([top, *rest[:depth]]), spec.submodule_search_locations)
    return spec is None


class _StandInLoader(Loader):
    """Fills a module that does not exist on disk."""

    def __init__(self, fill: Callable[[ModuleType], None]) -> None:
        self.fill = fill

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make an ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        self.fill(module)


class _StandInFinder(MetaPathFinder):
    """Supplies stand-ins for modules that no other finder has found."""

    def __init__(self) -> None:
        self.fillers: dict[str, Callable[[ModuleType], None]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        fill = self.fillers.get(fullname)
        if fill is None:
            return None
        return ModuleSpec(fullname, _StandInLoader(fill), is_package=fullname == DRN)


_FINDER = _StandInFinder()


def _supply(module: str, fill: Callable[[ModuleType], None]) -> None:
    _FINDER.fillers[module] = fill
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)


def _fill_mmcv_ext(module: ModuleType) -> None:
    """Make every op of ``mmcv._ext`` importable; calling one that we do not have raises."""
    from mmvidext.mmcv_ext import OPS

    def find_op(name: str) -> Callable[..., NoReturn]:
        if name.startswith('__'):  # inspect walks dunder attributes of every loaded module
            raise AttributeError(name)

        def missing_op(*args: Any, **kwargs: Any) -> NoReturn:
            raise RuntimeError(
                f"mmcv's compiled op '{name}' is not available: mmcv-lite is installed, which has none, and mmvidext "
                'has no replacement for this one. Install the full mmcv (pip uninstall mmcv-lite && pip install '
                "'setuptools<81' && pip install --no-build-isolation mmcv==2.1.0), or use a model without it."
            )

        return missing_op

    vars(module).update(OPS)
    module.__getattr__ = find_op  # type: ignore[method-assign]


def _fill_drn(module: ModuleType) -> None:
    """Register a ``DRN`` that explains itself when a config uses it."""
    from mmaction.registry import MODELS

    class MissingDRN:
        """Placeholder for the localizer that the mmaction2 1.2.0 wheel was published without."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise ImportError(
                'DRN is not in the mmaction2 1.2.0 wheel (https://github.com/open-mmlab/mmaction2/issues/2714): '
                'install mmaction2 from its source repository to use it.'
            )

    MODELS.register_module('DRN', module=MissingDRN, force=True)
    vars(module)['DRN'] = MissingDRN


def supply_drn() -> None:
    """Let ``mmaction.models`` be imported."""
    _supply(DRN, lambda module: None)
    _supply(f'{DRN}.drn', _fill_drn)


def supply_mmcv_ext() -> None:
    """Let ``mmcv.ops`` be imported with mmcv-lite."""
    _supply('mmcv._ext', _fill_mmcv_ext)
