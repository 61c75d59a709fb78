"""The model, the optimizers and the loaders of a run, without what mmengine wraps around them."""

from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch.utils.data import DataLoader

__all__ = ['loaders_of', 'optim_wrappers', 'unwrap_model']


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
