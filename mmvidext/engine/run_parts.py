"""The model and the optimizers of a run, without what mmengine wraps around them."""

from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict

__all__ = ['optim_wrappers', 'unwrap_model']


def unwrap_model(model: Any) -> Any:
    """Return a model without its wrapper for several processes."""
    return model.module if is_model_wrapper(model) else model


def optim_wrappers(wrapper: OptimWrapper | OptimWrapperDict) -> list[OptimWrapper]:
    """Return the wrappers of a run's optimizers: mmengine has one, or a dictionary of several."""
    return list(wrapper.values()) if isinstance(wrapper, OptimWrapperDict) else [wrapper]
