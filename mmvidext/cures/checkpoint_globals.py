"""Reading checkpoints with ``torch.load(weights_only=True)``, which runs no code of theirs.

torch >= 2.6 refuses the checkpoints that mmengine 0.10.7 writes. The fork of mmengine allows what they hold, with
NumPy's own constructors, which trust what they are given; and what is refused even so, it reads again as any pickle.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ['allow_checkpoint_globals', 'fork_reads_any_pickle', 'read_safely_only', 'torch_load_is_strict']


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


def torch_load_is_strict() -> bool:
    """Whether ``torch.load`` refuses what mmengine saves."""
    from torch import serialization

    if not hasattr(serialization, 'get_safe_globals'):  # torch < 2.5 neither asks nor refuses
        return False
    return any(item not in serialization.get_safe_globals() for item in _checkpoint_globals())


def allow_checkpoint_globals() -> None:
    """Allow what mmengine saves, and nothing else."""
    from torch.serialization import add_safe_globals

    add_safe_globals(_checkpoint_globals())


def fork_reads_any_pickle() -> bool:
    """Whether the fork of mmengine is there."""
    try:
        version('onedl-mmengine')
    except PackageNotFoundError:
        return False
    return True


def read_safely_only() -> None:
    """Let the fork of mmengine read checkpoints as everybody else does."""
    import torch
    from mmengine.runner import checkpoint

    def load(file: Any, map_location: Any = None, weights_only: bool | None = None) -> Any:
        return torch.load(file, map_location=map_location, weights_only=weights_only is not False)

    checkpoint._safe_torch_load = load
