"""Start training from weights that were checked before."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor
from torch.distributed.fsdp import FullyShardedDataParallel

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
        if is_model_wrapper(model) and not isinstance(model, FullyShardedDataParallel):  # which hands out the parts
            model = model.module
        model.load_state_dict(self.weights, strict=False)
        self.weights = {}
