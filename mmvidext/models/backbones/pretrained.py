"""What all backbones share, whoever wrote the network: how they start from a checkpoint."""

from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from mmvidext.checkpoints import load_weights
from mmvidext.models.pretrained_file import pretrained_file

__all__ = ['PretrainedBackbone']


class PretrainedBackbone(nn.Module):
    """Comes before mmengine's ``BaseModule``, or of a backbone of mmaction2 among the base classes.

    Attributes:
        added_parts: Expressions of what the network adds to the one that its weights may come from; it may be missing
            in the file, see :func:`mmvidext.checkpoints.load_weights`.
    """

    pretrained: str | None
    added_parts: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:  # what mmaction2's backbones define has no types

        def __getattr__(self, name: str) -> Any: ...

    def init_weights(self) -> None:
        """Load ``pretrained`` or the file of ``init_cfg``, or initialize from scratch where neither is given.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it does not fit, see :func:`mmvidext.checkpoints.load_weights`.
        """
        file = (self.pretrained, 'backbone') if self.pretrained else pretrained_file(self.init_cfg, prefix='backbone')
        if file is None:
            super().init_weights()  # type: ignore[misc]
            return
        load_weights(self, file[0], prefix=file[1], optional=self.added_parts)

    def train(self, mode: bool = True) -> Any:
        """Switch to training or evaluation, and return the backbone, which mmaction2's backbones do not do."""
        super().train(mode)
        return self
