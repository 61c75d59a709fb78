"""The model, the optimizers and the loaders of a run, without what mmengine wraps around them; its time limit."""

from datetime import timedelta
from typing import Any

from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch.utils.data import DataLoader

__all__ = ['loaders_of', 'optim_wrappers', 'process_timeout', 'unwrap_model']


def unwrap_model(model: Any) -> Any:
    """Return a model without its wrapper for several processes."""
    return model.module if is_model_wrapper(model) else model


def loaders_of(loop: Any) -> list[Any]:
    """Return the loaders of a loop: mmengine's have one, those of users may have a list of them under any name."""
    values = [one for value in vars(loop).values() for one in (value if isinstance(value, (list, tuple)) else [value])]
    return list({id(one): one for one in values if isinstance(one, DataLoader)}.values())


def optim_wrappers(wrapper: OptimWrapper | OptimWrapperDict) -> list[OptimWrapper]:
    """Return the wrappers of a run's optimizers: mmengine has one, or a dictionary of several."""
    return list(wrapper.values()) if isinstance(wrapper, OptimWrapperDict) else [wrapper]


def process_timeout(cfg: Config) -> timedelta | None:
    """Return how long a process waits for another one; None is torch's default."""
    dist_cfg = (cfg.get('env_cfg') or {}).get('dist_cfg') or {}
    seconds = dist_cfg.get('timeout')
    return None if seconds is None else timedelta(seconds=seconds)
