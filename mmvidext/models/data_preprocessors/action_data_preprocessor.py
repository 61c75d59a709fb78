"""mmaction2's data preprocessor, with copies to the device that need not be waited for."""

from typing import Any

from mmaction.models import ActionDataPreprocessor as MMActionDataPreprocessor

from mmvidext.registry import MODELS

__all__ = ['ActionDataPreprocessor']


@MODELS.register_module()
class ActionDataPreprocessor(MMActionDataPreprocessor):
    """Normalize and stack clips as mmaction2 does.

    Args:
        non_blocking: Copy from pinned memory to the device while the CPU goes on.
        **kwargs: Arguments of mmaction2's ``ActionDataPreprocessor``.
    """

    def __init__(self, *, non_blocking: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._non_blocking = non_blocking  # mmengine's, which mmaction2 does not pass on
