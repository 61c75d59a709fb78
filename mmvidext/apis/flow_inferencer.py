"""Optical flow of two frames, from a config and a checkpoint."""

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from numpy.typing import NDArray

from mmvidext.apis.finite_outputs import check_finite
from mmvidext.apis.frame_sources import check_frame
from mmvidext.apis.model_building import build_model
from mmvidext.apis.weights import load_for_inference
from mmvidext.models.flow import FlowEstimator
from mmvidext.ops import flow_to_image

__all__ = ['FlowInferencer']


class FlowInferencer:
    """Estimate the flow from one frame to the next.

    Args:
        config: A config of a :class:`~mmvidext.models.flow.FlowEstimator`: its path, or the config itself.
        checkpoint: Weights of the whole model: ours, or official ones, which are converted. None leaves the network as
            it is initialized.
        device: Where to compute.

    Raises:
        FileNotFoundError: If the config or the checkpoint is missing.
        ValueError: If the config's model is no ``FlowEstimator``, or the weights do not fit it.

    Example:
        >>> inferencer = FlowInferencer('configs/flownets_flyingchairs.py')  # a second argument: the checkpoint
        >>> first, second = np.zeros((2, 64, 96, 3), np.uint8)
        >>> flow = inferencer(first, second)
        >>> flow.shape
        (64, 96, 2)
        >>> inferencer.draw(flow).shape
        (64, 96, 3)
    """

    def __init__(
        self, config: str | Path | Config, checkpoint: str | Path | None = None, *, device: str = 'cpu'
    ) -> None:
        config = config if isinstance(config, Config) else Config.fromfile(config)
        init_default_scope(config.get('default_scope', 'mmvidext'))
        self.device = torch.device(device)
        model = build_model(config, default_scope='mmvidext')
        if not isinstance(model, FlowEstimator):
            raise ValueError(
                f'the model of the config must be a mmvidext.FlowEstimator, but it is a {type(model).__name__}'
            )
        self.model = model.to(self.device).eval()
        if checkpoint is None:
            self.model.init_weights()
        else:
            load_for_inference(self.model, checkpoint)

    @torch.inference_mode()
    def __call__(self, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Estimate the flow from ``first`` to ``second``.

        Args:
            first: RGB ``uint8 (H, W, 3)``, of any size, with pixels.
            second: The same size.

        Returns:
            ``float32 (H, W, 2)`` in pixels, order ``(x, y)``: the pixel ``p`` of ``first`` is found at
            ``p + flow(p)`` in ``second``.

        Raises:
            ValueError: If a frame is not as described, or the flow is not finite.
        """
        check_frame(first, name='first')
        check_frame(second, name='second')
        if first.shape != second.shape:
            raise ValueError(f'both frames must have the same size, but they are {first.shape} and {second.shape}')
        pair = torch.from_numpy(np.stack((first, second)).transpose(0, 3, 1, 2).copy())
        samples = self.model.test_step({'inputs': [pair]})
        flow = samples[0].pred_flow.permute(1, 2, 0).cpu()
        check_finite(flow, 'the flow vectors')
        return flow.numpy()

    @staticmethod
    def draw(flow: NDArray[np.float32], max_magnitude: float | None = None) -> NDArray[np.uint8]:
        """Color a flow field; see :func:`mmvidext.ops.flow_to_image`.

        Args:
            flow: ``(H, W, 2)`` in pixels, order ``(x, y)``.
            max_magnitude: The length that gets full saturation; None takes the longest vector.

        Returns:
            RGB ``uint8 (H, W, 3)``.
        """
        image = flow_to_image(torch.from_numpy(np.ascontiguousarray(flow)).permute(2, 0, 1).unsqueeze(0), max_magnitude)
        return image[0].permute(1, 2, 0).numpy()
