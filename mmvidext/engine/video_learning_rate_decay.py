"""Layer-wise learning-rate decay for the segmentor inside Deep Feature Flow."""

from collections.abc import Iterator
from typing import Any

from mmseg.engine.optimizers import LearningRateDecayOptimizerConstructor
from torch import nn

from mmvidext.models.segmentors import DeepFeatureFlow
from mmvidext.registry import OPTIM_WRAPPER_CONSTRUCTORS

__all__ = ['VideoLearningRateDecay']


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class VideoLearningRateDecay(LearningRateDecayOptimizerConstructor):
    """mmseg's ``LearningRateDecayOptimizerConstructor`` for a ``DeepFeatureFlow``.

    mmseg's own tells layers by the names of the parameters (``backbone.layers.0...``), which are one level deeper here.
    The flow network and the scale map learn at the rate of the decode head.

    Args:
        optim_wrapper_cfg: As mmseg's.
        paramwise_cfg: As mmseg's: ``num_layers``, ``decay_rate``, ``decay_type``.
    """

    def add_params(self, params: list[dict[str, Any]], module: nn.Module, **kwargs: Any) -> None:
        """Add the groups of all parameters.

        Raises:
            ValueError: If the model is no ``DeepFeatureFlow``.
        """
        if not isinstance(module, DeepFeatureFlow):
            raise ValueError(
                f'VideoLearningRateDecay is for a DeepFeatureFlow, but the model is a {type(module).__name__}: use '
                "mmseg's LearningRateDecayOptimizerConstructor"
            )
        super().add_params(params, _AsSegmentor(module), **kwargs)


class _AsSegmentor:
    """The parameters of a Deep Feature Flow under the names that they have in the plain segmentor."""

    def __init__(self, model: DeepFeatureFlow) -> None:
        self.model = model
        self.backbone = model.segmentor.backbone

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield names and parameters."""
        for name, parameter in self.model.named_parameters():
            yield name.removeprefix('segmentor.'), parameter
