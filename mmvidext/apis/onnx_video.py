"""Export Deep Feature Flow and flow networks to ONNX."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvidext.apis.onnx_graph import write_onnx
from mmvidext.models.propagation import KeyFrame

__all__ = ['FlowStep', 'KeyFrameStep', 'PropagatedStep', 'export_flow_network', 'export_video_segmentor']


class FlowStep(nn.Module):
    """A flow network as a function of two raw images.

    Args:
        estimator: A :class:`~mmvidext.models.flow.FlowEstimator`.
    """

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.flow_net = estimator.flow_net
        self.preprocessor = estimator.data_preprocessor

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the flow ``(N, 2, H, W)`` in pixels, order ``(x, y)``, of images ``(N, 3, H, W)``, RGB, 0 to 255."""
        mean, std = self.preprocessor.mean, self.preprocessor.std
        return self.flow_net.estimate((first - mean) / std, (second - mean) / std)


class _Step(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def normalize(self, frame: Tensor) -> Tensor:
        """Turn RGB from 0 to 255 into what the model sees; its preprocessor is made for BGR."""
        preprocessor = self.model.data_preprocessor
        frame = frame if preprocessor.channel_conversion else frame.flip(1)
        return (frame - preprocessor.mean) / preprocessor.std if preprocessor._enable_normalize else frame

    def resize(self, logits: Tensor, frame: Tensor) -> Tensor:
        """Bring logits to the size of the frame."""
        return self.model.decode_head.predict_by_feat(logits, [{'img_shape': tuple(frame.shape[2:])}])


class KeyFrameStep(_Step):
    """Deep Feature Flow's key frame.

    Args:
        model: A :class:`~mmvidext.models.segmentors.DeepFeatureFlow`.
    """

    def forward(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Return the logits ``(N, K, H, W)``, and what a propagated step needs: flow frame and maps.

        Args:
            frame: ``(N, 3, H, W)``, RGB, 0 to 255.
        """
        key_frame = self.model.encode_key_frame(self.normalize(frame))
        logits = self.resize(self.model.decode(key_frame.maps), frame)
        return logits, key_frame.flow_frame, *key_frame.maps


class PropagatedStep(_Step):
    """Deep Feature Flow's frame between key frames.

    Args:
        model: A :class:`~mmvidext.models.segmentors.DeepFeatureFlow`.
    """

    def forward(self, frame: Tensor, flow_frame: Tensor, maps: tuple[Tensor, ...]) -> Tensor:
        """Return the logits ``(N, K, H, W)``.

        Args:
            frame: ``(N, 3, H, W)``, RGB, 0 to 255.
            flow_frame: Of the key frame.
            maps: Of the key frame.
        """
        key_frame = KeyFrame(flow_frame, maps)
        motion = self.model.estimate_motion(self.normalize(frame), key_frame)
        return self.resize(self.model.propagate(key_frame, motion), frame)


def export_flow_network(
    estimator: Any, path: str | Path, *, height: int, width: int, opset: int | None = None
) -> tuple[str, ...]:
    """Write a flow network as ONNX; see :class:`FlowStep`. All sizes are fixed, and the batch size is 1.

    Args:
        estimator: A :class:`~mmvidext.models.flow.FlowEstimator`.
        path: The file to write.
        height: Height of the images.
        width: Width of the images.
        opset: Version of the ONNX operators; None is the exporter's own choice.

    Returns:
        The names of the graph's inputs.

    Raises:
        ImportError: If onnx or onnxscript is missing.
    """
    images = torch.zeros(1, 3, height, width), torch.zeros(1, 3, height, width)  # one tensor twice would be one input
    inputs = ('first', 'second')
    write_onnx(FlowStep(estimator), images, path, inputs=inputs, outputs=['flow'], opset=opset)
    return inputs


def export_video_segmentor(
    model: Any, folder: str | Path, *, height: int, width: int, opset: int | None = None
) -> tuple[Path, Path]:
    """Write the two steps of a Deep Feature Flow as ONNX: ``key_frame.onnx`` and ``propagated.onnx``.

    The first takes ``frame`` and returns ``logits``, ``flow_frame`` and ``map_0``, ...; the second takes ``frame`` and
    what the last key frame left, and returns ``logits``. Normalization and the resizing of the logits are part of the
    graphs. All sizes are fixed, and the batch size is 1: a graph serves one stream.

    Args:
        model: A :class:`~mmvidext.models.segmentors.DeepFeatureFlow`.
        folder: Where to write; made if it is missing.
        height: Height of the frames, as the model gets them.
        width: Width of the frames.
        opset: Version of the ONNX operators; None is the exporter's own choice.

    Returns:
        The two files.

    Raises:
        ImportError: If onnx or onnxscript is missing.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / 'key_frame.onnx', folder / 'propagated.onnx'
    frame = torch.zeros(1, 3, height, width)
    key, propagated = KeyFrameStep(model).eval(), PropagatedStep(model).eval()
    with torch.no_grad():
        _, flow_frame, *maps = key(frame)
    state = ['flow_frame', *(f'map_{index}' for index in range(len(maps)))]
    write_onnx(key, (frame,), files[0], inputs=['frame'], outputs=['logits', *state], opset=opset)
    arguments = frame, flow_frame, tuple(maps)
    write_onnx(propagated, arguments, files[1], inputs=['frame', *state], outputs=['logits'], opset=opset)
    return files
