"""Channels innermost in memory: what convolutions on a GPU run fastest on, in half precision above all."""

from typing import Any

import torch
from mmengine.hooks import Hook
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.nn.utils import convert_conv2d_weight_memory_format, convert_conv3d_weight_memory_format

from mmvidext.engine.run_parts import unwrap_model
from mmvidext.registry import HOOKS

__all__ = ['ChannelsLastHook', 'to_channels_last']


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Bring the model's weights and what its data preprocessor returns into ``channels_last``.

    The layers keep the layout from there on. A model with 3D convolutions gets ``channels_last_3d``. Numbers stay the
    same up to the rounding of other kernels. The weights of a model that FSDP shares out keep their layout.
    """

    def before_run(self, runner: Any) -> None:
        """Convert the weights, and have the data preprocessor convert its inputs."""
        model = unwrap_model(runner.model)
        use_3d = any(isinstance(module, nn.Conv3d) for module in model.modules())
        if not isinstance(runner.model, FullyShardedDataParallel):  # which has flattened them
            convert_conv2d_weight_memory_format(model, torch.channels_last)
            convert_conv3d_weight_memory_format(model, torch.channels_last_3d)
        size = 4 if use_3d else 3  # of one picture or clip, (C, H, W) or (C, T, H, W)

        def convert(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            if isinstance(output, dict) and isinstance(output.get('inputs'), Tensor):
                return {**output, 'inputs': to_channels_last(output['inputs'], size)}
            return output

        model.data_preprocessor.register_forward_hook(convert)


def to_channels_last(inputs: Tensor, size: int) -> Tensor:
    """Put the channels of the last ``size`` dimensions, ``(C, ...)``, innermost; the dimensions before them stay.

    Args:
        inputs: ``(..., C, H, W)`` with ``size`` 3, or ``(..., C, T, H, W)`` with 4.
        size: Dimensions of a picture or a clip.

    Returns:
        The same numbers in the same shape. Flattened to ``(N, C, ...)`` it is a view in ``channels_last``.
    """
    return inputs.movedim(-size, -1).contiguous().movedim(-1, -size)
