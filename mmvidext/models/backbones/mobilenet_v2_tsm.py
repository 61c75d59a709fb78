"""MobileNetV2 with temporal shift: what runs on small devices, on clips or frame by frame."""

from typing import Any, ClassVar

from mmaction.models.backbones.mobilenet_v2 import InvertedResidual, MobileNetV2
from torch import Tensor

from mmvidext.layers.online_block import ShiftStep, step_inverted_residual
from mmvidext.layers.temporal_shift import TemporalShift
from mmvidext.models.backbones.online import OnlineBackbone
from mmvidext.ops.backends import KernelBackend
from mmvidext.registry import MODELS

__all__ = ['MobileNetV2TSM']


@MODELS.register_module()
class MobileNetV2TSM(OnlineBackbone, MobileNetV2):
    """mmaction2's MobileNetV2 with our temporal shift, so that it can use past frames only and run frame by frame.

    The shift precedes the expanding convolution of every block with a shortcut, ten in all, as in the
    official code. State-dict keys are those of mmaction2's ``MobileNetV2TSM``, offline and causal alike.

    Args:
        num_segments: Frames of a clip.
        shift_div: Channels over the number of channels that move in one direction.
        causal: Shift from the past only. This is what :meth:`step` needs.
        shift_backend: ``backend`` of :func:`mmvidext.ops.temporal_shift`.
        pretrained: Checkpoint with these keys, of the backbone or a whole recognizer, or an official one of the TSM
            repository. None initializes from scratch, or by ``init_cfg``.
        **kwargs: Arguments of mmaction2's ``MobileNetV2``. Activations write to new tensors, so that hooks on every
            module work; ``act_cfg=dict(type='ReLU6', inplace=True)`` activates in place, as mmaction2 does.

    Example:
        >>> backbone = MobileNetV2TSM(causal=True).eval()
        >>> state = backbone.initial_state(1, 224, 224)
        >>> features, state = backbone.step(torch.rand(1, 3, 224, 224), state)
        >>> features.shape
        torch.Size([1, 1280, 7, 7])
    """

    max_stages: ClassVar[int] = 8  # seven of blocks, and conv2

    def __init__(
        self,
        *,
        num_segments: int = 8,
        shift_div: int = 8,
        causal: bool = False,
        shift_backend: KernelBackend = 'auto',
        pretrained: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_segments=num_segments, pretrained=pretrained, **kwargs)
        self.shift_div, self.causal = shift_div, causal
        for module in list(self.modules()):
            if isinstance(module, InvertedResidual) and module.use_res_connect and len(module.conv) == 3:
                module.conv[0] = TemporalShift(
                    module.conv[0], num_segments, shift_div=shift_div, causal=causal, backend=shift_backend
                )
        self.train()

    def run_frame(self, frame: Tensor, shift: ShiftStep) -> Tensor | tuple[Tensor, ...]:
        """Return the features of one frame, running every shifting layer by ``shift``."""
        x = self.conv1(frame)
        outputs = []
        for index, name in enumerate(self.layers):
            layer = getattr(self, name)
            if name == 'conv2':
                x = layer(x)
            else:
                for block in layer:
                    x = step_inverted_residual(block, x, shift)
            if index in self.out_indices:
                outputs.append(x)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)
