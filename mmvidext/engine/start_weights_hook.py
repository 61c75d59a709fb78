"""Start training from weights that were checked before."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor
from torch.distributed.fsdp import FullyShardedDataParallel

from mmvidext.engine.run_parts import unwrap_model

__all__ = ['StartWeightsHook']


class StartWeightsHook(Hook):
    """Put weights into the model after it is initialized and before its first step.

    Args:
        weights: Tensors by the model's names.
    """

    priority = 'VERY_HIGH'

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = weights

    def before_train(self, runner: Runner) -> None:
        """Load the weights."""
        model = runner.model
        if not isinstance(model, FullyShardedDataParallel):  # which hands out the parts
            model = unwrap_model(model)
        model.load_state_dict(self.weights, strict=False)
        self.weights = {}
