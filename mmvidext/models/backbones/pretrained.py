"""What all backbones share, whoever wrote the network: how they start from a checkpoint."""

from typing import TYPE_CHECKING, Any

from torch import nn

__all__ = ['PretrainedBackbone']


class PretrainedBackbone(nn.Module):
    """Stands in front of mmengine's ``BaseModule``, or of a backbone of mmaction2, in the list of base classes."""

    pretrained: str | None

    if TYPE_CHECKING:  # what mmaction2's backbones define has no types

        def __getattr__(self, name: str) -> Any: ...

    def init_weights(self) -> None:
        """Load ``pretrained``, or initialise from scratch where it is None.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it does not fit, see :func:`mmvidext.checkpoints.load_backbone`.
        """
        if self.pretrained is None:
            super().init_weights()  # type: ignore[misc]
            return
        from mmvidext.checkpoints import load_backbone

        load_backbone(self, self.pretrained)

    def train(self, mode: bool = True) -> Any:
        """Switch to training or evaluation, and return the backbone, which mmaction2's forget to do."""
        super().train(mode)
        return self
