"""Cures for the defects of the OpenMMLab stack on today's PyTorch, each applied only where the defect is present.

Four defects are cured at run time. :data:`DEFECTS` lists them:

1. ``mmcv.ops`` cannot be imported with mmcv-lite: there is no compiled ``mmcv._ext``. The stand-in computes what
   detectors call, see :mod:`mmvidext.mmcv_ext`; every other op raises.
2. ``mmaction.models`` cannot be imported: the 1.2.0 wheel lacks the folder ``mmaction/models/localizers/drn``.
3. ``torch.load`` (torch >= 2.6) refuses the checkpoints that mmengine 0.10.7 writes.
4. mmengine finds a config by name (``PACKAGE::NAME``) only for the packages of a list of its own, only in a folder,
   and builds everything in a base in that package's scope. An entry in the list is not enough: our configs lie flat,
   and most of what they name is a toolbox's. So the functions of mmengine that resolve a name are wrapped, for our
   names alone: that of ``_base_`` and those of ``mmengine.hub.get_config``.

The first two are missing modules. A finder at the **end** of ``sys.meta_path`` supplies a stand-in, so Python asks it
only after every real finder has failed: a full mmcv, or a repaired mmaction2, is never touched. Two further defects
(undeclared dependencies, and ``pkg_resources`` gone from setuptools 81) are fixed by the requirements in ``setup.cfg``.
"""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

__all__ = ['DEFECTS', 'Defect', 'apply_fixes']

_DRN_PACKAGE = 'mmaction.models.localizers.drn'


@dataclass(frozen=True)
class Defect:
    """One defect of the stack: what breaks, where it is discussed, how to detect it and how to fix it."""

    name: str
    symptom: str
    link: str
    is_present: Callable[[], bool]
    fix: Callable[[], None]


def _is_missing(module: str) -> bool:
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
        return ModuleSpec(fullname, _StandInLoader(fill), is_package=fullname == _DRN_PACKAGE)


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

    class DRN:
        """Placeholder for the localizer that the mmaction2 1.2.0 wheel was published without."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise ImportError(
                'DRN is not in the mmaction2 1.2.0 wheel (https://github.com/open-mmlab/mmaction2/issues/2714): '
                'install mmaction2 from its source repository to use it.'
            )

    MODELS.register_module(module=DRN, force=True)
    vars(module)['DRN'] = DRN


def _supply_drn() -> None:
    _supply(_DRN_PACKAGE, lambda module: None)
    _supply(f'{_DRN_PACKAGE}.drn', _fill_drn)


def _methods_in_checkpoints() -> dict[type, tuple[str, ...]]:
    """Return the classes of which mmengine pickles methods, and those methods."""
    from mmengine.logging.history_buffer import HistoryBuffer
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    return {
        HistoryBuffer: ('min', 'max', 'current', 'mean'),
        OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
    }


def _get_method(owner: Any, name: str) -> Any:
    """Replace ``getattr`` in checkpoints: return the methods that mmengine saves, and nothing else."""
    if owner not in _methods_in_checkpoints() or name not in _methods_in_checkpoints()[owner]:
        raise ValueError(
            f'the checkpoint requests {owner}.{name}, which no checkpoint of mmengine holds: do not load it'
        )
    return getattr(owner, name)


def _checkpoint_globals() -> list[Any]:
    """Return the classes and functions that mmengine's own checkpoints refer to, and no other."""
    from mmvidext.safe_numpy import PickledArray, PickledDtype, rebuild_array, rebuild_scalar

    # numpy pickles an array as a call of `_reconstruct`, and a scalar as a call of `scalar`
    arrays: list[Any] = [PickledArray, (PickledArray, 'numpy.ndarray'), PickledDtype, (PickledDtype, 'numpy.dtype')]
    for core in ('core', '_core'):
        arrays += [(rebuild_array, f'numpy.{core}.multiarray._reconstruct')]
        arrays += [(rebuild_scalar, f'numpy.{core}.multiarray.scalar')]
    # a method is pickled as `getattr(owner, name)`
    return [*arrays, *_methods_in_checkpoints(), (_get_method, 'builtins.getattr')]


def _torch_load_is_strict() -> bool:
    from torch import serialization

    if not hasattr(serialization, 'get_safe_globals'):  # torch < 2.5 neither asks nor refuses
        return False
    return any(item not in serialization.get_safe_globals() for item in _checkpoint_globals())


def _allow_checkpoint_globals() -> None:
    from torch.serialization import add_safe_globals

    add_safe_globals(_checkpoint_globals())


_OUR_CONFIGS = 'mmvidext::'


def _configs_have_no_names() -> bool:
    from mmengine.config.utils import MODULE2PACKAGE

    return 'mmvidext' not in MODULE2PACKAGE


def _name_our_configs() -> None:
    """Let ``_base_`` and ``mmengine.hub.get_config`` find our configs, which say their ``default_scope`` themselves."""
    from mmengine import utils
    from mmengine.config import Config
    from mmengine.config import utils as config_utils

    find_base, split_name = Config._get_cfg_path, config_utils._get_package_and_cfg_path
    find_package = utils.get_installed_path
    package = Path(__file__).parent

    def find_our_base(name: str, filename: str) -> tuple[str, str | None]:
        if not name.startswith(_OUR_CONFIGS):
            return find_base(name, filename)
        return str(package / '.mim' / 'configs' / _our_file(name)), None

    def split_our_name(name: str) -> tuple[str, str]:
        return ('mmvidext', _our_file(name)) if name.startswith(_OUR_CONFIGS) else split_name(name)

    def find_our_package(name: str) -> str:  # pkg_resources looks for an editable installation in site-packages
        return str(package) if name == 'mmvidext' else find_package(name)

    Config._get_cfg_path = staticmethod(find_our_base)
    config_utils._get_package_and_cfg_path = split_our_name
    utils.get_installed_path = find_our_package
    if (hub := sys.modules.get('mmengine.hub.hub')) is not None:  # it took both when it was imported
        vars(hub).update(_get_package_and_cfg_path=split_our_name, get_installed_path=find_our_package)
    config_utils.MODULE2PACKAGE['mmvidext'] = 'mmvidext'


def _our_file(name: str) -> str:
    file = name.removeprefix(_OUR_CONFIGS)
    return file if Path(file).suffix else f'{file}.py'


DEFECTS: tuple[Defect, ...] = (
    Defect(
        name='mmcv._ext',
        symptom='import mmcv.ops fails: mmcv-lite has no compiled ops',
        link='https://mmcv.readthedocs.io/en/2.x/get_started/installation.html',
        is_present=lambda: _is_missing('mmcv._ext'),
        fix=lambda: _supply('mmcv._ext', _fill_mmcv_ext),
    ),
    Defect(
        name='mmaction.models.localizers.drn',
        symptom='import mmaction.models fails: the 1.2.0 wheel lacks this folder',
        link='https://github.com/open-mmlab/mmaction2/issues/2714',
        is_present=lambda: _is_missing(_DRN_PACKAGE),
        fix=_supply_drn,
    ),
    Defect(
        name='mmengine checkpoints',
        symptom='torch.load(weights_only=True) refuses the message hub that mmengine saves',
        link='https://github.com/open-mmlab/mmengine/issues/1655',
        is_present=_torch_load_is_strict,
        fix=_allow_checkpoint_globals,
    ),
    Defect(
        name='mmengine config names',
        symptom="_base_ = 'mmvidext::NAME' and get_config fail: mmengine has a fixed list of packages with configs",
        link='https://github.com/open-mmlab/mmengine/blob/v0.10.7/mmengine/config/utils.py',
        is_present=_configs_have_no_names,
        fix=_name_our_configs,
    ),
)

_fixed: list[str] = []


def apply_fixes() -> tuple[str, ...]:
    """Cure every defect that is present.

    Returns:
        The names of all defects fixed so far in this process. Calling again changes nothing.
    """
    for defect in DEFECTS:
        if defect.name not in _fixed and defect.is_present():
            defect.fix()
            _fixed.append(defect.name)
    return tuple(_fixed)
