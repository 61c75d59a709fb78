"""The heads of a cascade as one head."""

from collections.abc import Sequence
from typing import Any

from mmseg.models import EncoderDecoder
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor, nn

__all__ = ['HeadCascade', 'whole_head']


class HeadCascade:
    """The heads of a ``CascadeEncoderDecoder``: each reads the features and the output of the one before it.

    It stands where a segmentor has one head, and returns the logits of every stage; the last are the result, the
    others are for the loss.

    Args:
        stages: The heads, which stay modules of the segmentor.
    """

    def __init__(self, stages: Sequence[Any]) -> None:
        self.stages = stages

    def __call__(self, features: Any) -> tuple[Tensor, ...]:
        """Return the logits ``(N, K, H, W)`` of each stage."""
        outputs = [self.stages[0](features)]
        for stage in self.stages[1:]:
            outputs.append(stage(features, outputs[-1]))
        return tuple(outputs)

    @property
    def conv_seg(self) -> nn.Module:
        """The classifier of the last stage."""
        return self.stages[-1].conv_seg

    @property
    def out_channels(self) -> int:
        """Channels of the logits."""
        return self.stages[-1].out_channels

    @property
    def threshold(self) -> float | None:
        """Where a binary segmentor with one output divides the classes."""
        return self.stages[-1].threshold

    def predict_by_feat(self, logits: Tensor, batch_img_metas: list[dict[str, Any]]) -> Tensor:
        """Resize the logits of the last stage to the frame."""
        return self.stages[-1].predict_by_feat(logits, batch_img_metas)

    def loss_by_feat(self, outputs: Sequence[Tensor], data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Return the losses of all stages, with the number of the stage before their names."""
        losses: dict[str, Tensor] = {}
        for number, (stage, output) in enumerate(zip(self.stages, outputs, strict=True)):
            losses.update(add_prefix(stage.loss_by_feat(output, data_samples), str(number)))
        return losses


def whole_head(segmentor: EncoderDecoder) -> Any:
    """Return the decode head of a segmentor, as one also if it is a cascade."""
    head = segmentor.decode_head
    return HeadCascade(list(head)) if isinstance(head, nn.ModuleList) else head
