"""Export recognizers to ONNX: whole clips, or one frame with the state as inputs and outputs."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvidext.apis.onnx_graph import write_onnx

__all__ = ['ClipClassifier', 'OnlineClassifier', 'export_recognizer']


class ClipClassifier(nn.Module):
    """A recognizer as a function of raw clips.

    Args:
        recognizer: A ``Recognizer2D`` or ``Recognizer3D`` of mmaction2, with or without a neck.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, recognizer: Any) -> None:
        super().__init__()
        self.recognizer = recognizer
        self.reads_clips = _reads_clips(recognizer)
        shape = (1, -1, 1, 1, 1) if self.reads_clips else (1, 1, -1, 1, 1)
        self.swaps_colors = getattr(recognizer.data_preprocessor, 'to_rgb', False)
        mean, std = _statistics(recognizer)
        self.register_buffer('mean', mean.view(shape), persistent=False)
        self.register_buffer('std', std.view(shape), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits ``(N, num_classes)``.

        Args:
            clips: RGB from 0 to 255, ``(N, T, 3, H, W)`` for 2D networks and ``(N, 3, T, H, W)`` for 3D ones.
        """
        if self.swaps_colors:
            clips = clips.flip(1 if self.reads_clips else 2)
        clips = (clips - self.mean) / self.std
        features, arguments = self.recognizer.extract_feat(clips.unsqueeze(1) if self.reads_clips else clips)
        return self.recognizer.cls_head(features, **arguments)


class OnlineClassifier(nn.Module):
    """A causal recognizer as a function of one frame and the state.

    Args:
        recognizer: A ``Recognizer2D`` whose backbone has ``initial_state`` and ``step``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, recognizer: Any) -> None:
        super().__init__()
        self.backbone, self.head = recognizer.backbone, recognizer.cls_head
        self.swaps_colors = getattr(recognizer.data_preprocessor, 'to_rgb', False)
        mean, std = _statistics(recognizer)
        self.register_buffer('mean', mean.view(1, -1, 1, 1), persistent=False)
        self.register_buffer('std', std.view(1, -1, 1, 1), persistent=False)

    def forward(self, frame: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return this frame's logits ``(N, num_classes)``, followed by the tensors of the new state.

        Args:
            frame: RGB from 0 to 255, ``(N, 3, H, W)``.
            state: What the previous frame left; zeros for the first one.
        """
        frame = frame.flip(1) if self.swaps_colors else frame
        features, new_state = self.backbone.step((frame - self.mean) / self.std, state)
        return self.head.fc_cls(features.mean((2, 3))), *new_state


def export_recognizer(
    recognizer: Any,
    path: str | Path,
    *,
    num_frames: int,
    height: int,
    width: int,
    online: bool = False,
    opset: int | None = None,
) -> tuple[str, ...]:
    """Write a recognizer as ONNX. The number of clips (streams) in a batch is free, the other sizes are fixed.

    With a neck the batch size is 1: the exporter cannot leave that of a dynamic filter free.

    Args:
        recognizer: The model, as mmaction2 builds it.
        path: The file to write. Its input is RGB from 0 to 255 in float32; the normalization is part of the graph.
        num_frames: Frames of a clip; not used online.
        height: Height of the frames.
        width: Width of the frames.
        online: Export one frame of a causal model, with the state as inputs ``state_0``, ... and outputs
            ``new_state_0``, ...
        opset: Version of the ONNX operators; None is the exporter's own choice.

    Returns:
        The names of the graph's inputs.

    Raises:
        ImportError: If onnx or onnxscript is missing.
        ValueError: If ``online`` is asked of a model that is not causal, or a clip of ``num_frames`` does not fit it.
    """
    recognizer.eval()
    batch = torch.export.Dim('batch')
    if online:
        if not getattr(recognizer.backbone, 'causal', False):
            raise ValueError('only a model with causal=True in its backbone runs, and can be exported, frame by frame')
        state = recognizer.backbone.initial_state(2, height, width)
        arguments: tuple[Any, ...] = (torch.zeros(2, 3, height, width), state)
        dynamic: dict[str, Any] | None = {'frame': {0: batch}, 'state': tuple({0: batch} for _ in state)}
        names = [f'state_{index}' for index in range(len(state))]
        inputs, outputs = ['frame', *names], ['logits', *(f'new_{name}' for name in names)]
        model: nn.Module = OnlineClassifier(recognizer)
    else:
        model = ClipClassifier(recognizer)
        shape = (3, num_frames, height, width) if model.reads_clips else (num_frames, 3, height, width)
        is_fixed = recognizer.with_neck
        arguments, dynamic = (torch.zeros(1 if is_fixed else 2, *shape),), None if is_fixed else {'clips': {0: batch}}
        _check_length(model, arguments[0][:1], num_frames)
        inputs, outputs = ['clips'], ['logits']
    write_onnx(model, arguments, path, inputs=inputs, outputs=outputs, dynamic_shapes=dynamic, opset=opset)
    return tuple(inputs)


@torch.no_grad()
def _check_length(model: nn.Module, clip: Tensor, num_frames: int) -> None:
    """Run one clip: the model's error is clearer than the exporter's, and two short clips may pass as a whole one."""
    num_predictions = len(model(clip))
    if num_predictions != 1:
        raise ValueError(
            f'a clip of {num_frames} frames is {num_predictions} clips to this model: export it with '
            f'{num_frames // num_predictions} frames'
        )


def _statistics(recognizer: Any) -> tuple[Tensor, Tensor]:
    """Return the mean and standard deviation of the preprocessor, zeros and ones where it does not normalize."""
    preprocessor = recognizer.data_preprocessor
    mean, std = getattr(preprocessor, 'mean', None), getattr(preprocessor, 'std', None)
    if mean is None or std is None:
        return torch.zeros(3), torch.ones(3)
    return mean.flatten(), std.flatten()


def _reads_clips(recognizer: Any) -> bool:
    from mmaction.models.recognizers import Recognizer3D

    return isinstance(recognizer, Recognizer3D)
