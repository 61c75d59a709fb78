"""ResNet with temporal interlacing."""

from typing import Any, ClassVar

from mmaction.models.backbones.resnet import ResNet

from mmvidext.layers.temporal_interlace import InterlacedConv
from mmvidext.models.backbones.arguments import choose
from mmvidext.models.backbones.frame_backbone import FrameBackbone
from mmvidext.registry import MODELS

__all__ = ['TINResNet']


@MODELS.register_module()
class TINResNet(FrameBackbone, ResNet):
    """mmaction2's ResNet with temporal interlacing in front of the first convolution of every block.

    "Temporal Interlacing Network", https://arxiv.org/abs/2001.06499; code https://github.com/deepcs233/TIN. Runs on
    every device: mmaction2's ``ResNetTIN`` needs a CUDA kernel. State-dict keys are the same. The number of frames is
    part of the model, because two fully connected layers span the time axis.

    Args:
        depth: 18, 34, 50, 101 or 152.
        num_segments: Frames of a clip.
        shift_div: The first ``C / shift_div`` channels of a block's input are interlaced.
        pretrained: Checkpoint to start from: ImageNet weights (torchvision's or mmaction2's keys), or one of TIN, of
            mmaction2, of the official repository or of ours. None initializes from scratch, or by ``init_cfg``.
        **kwargs: Arguments of mmaction2's ``ResNet``. Activations write to new tensors, so that hooks on every module
            work; ``act_cfg=dict(type='ReLU', inplace=True)`` activates in place, as mmaction2 does.

    Raises:
        ValueError: If the depth is unknown, or the channels cannot be split into four groups.

    Example:
        >>> backbone = TINResNet(50, num_segments=8)
        >>> backbone(torch.rand(2 * 8, 3, 224, 224)).shape
        torch.Size([16, 2048, 7, 7])
    """

    added_parts: ClassVar[tuple[str, ...]] = (r'.*\.(offset_net|weight_net)\.',)

    def __init__(
        self, depth: int, *, num_segments: int = 8, shift_div: int = 4, pretrained: str | None = None, **kwargs: Any
    ) -> None:
        choose(depth, tuple(self.arch_settings), name='depth', owner='TINResNet')
        super().__init__(depth, num_segments=num_segments, pretrained=pretrained, **kwargs)
        self.shift_div = shift_div
        for name in self.res_layers:
            for block in getattr(self, name):
                block.conv1.conv = InterlacedConv(block.conv1.conv, num_segments, shift_div=shift_div)
        self.train()
