"""Recognize what happens in a stream, frame by frame."""

from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from numpy.typing import NDArray
from torch import Tensor, nn

from mmvidext.apis.recognizer_loading import (
    build_recognizer,
    finite_scores,
    frame_transforms,
    gives_several_classes,
    recognizer_config,
)
from mmvidext.apis.trained_model import class_names

__all__ = ['OnlineRecognizer']


class OnlineRecognizer:
    """Scores the classes after every frame of a stream, with a model whose temporal shift uses past frames only.

    Each frame is computed once; what earlier frames contribute is a few small maps. The scores are the softmax (the
    sigmoid, where clips have several classes) of the mean of the latest frames' logits, as the head averages the frames
    of a clip: after as many frames as a clip has, they are the clip's scores.

    Args:
        config: Config of a 2D recognizer with ``causal=True`` in its backbone, or its path.
        checkpoint: Weights of the whole recognizer, ours or official. None keeps the random ones.
        device: Where to compute.
        window: Frames to average over; None is ``num_segments`` of the backbone.

    Attributes:
        classes: The names of the classes, from the checkpoint, or else from the config; else ``class 0``, ``class 1``.

    Raises:
        FileNotFoundError: If the config or the checkpoint does not exist.
        ValueError: If the config is of no recognizer, its backbone is not causal, the weights do not fit, there is no
            such CUDA device, or ``window`` is below 1.

    Example:
        >>> recognizer = OnlineRecognizer('configs/tsm_causal_r50_sthv2.py')  # a second argument: the checkpoint
        >>> for frame in np.zeros((2, 240, 320, 3), np.uint8):
        ...     scores = recognizer.step(frame)
        >>> scores.shape
        (174,)
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None = None,
        *,
        device: str | torch.device = 'cpu',
        window: int | None = None,
    ) -> None:
        config = config if isinstance(config, Config) else Config.fromfile(str(config))
        if not recognizer_config(config).backbone.get('causal', False):
            raise ValueError(
                'an online recognizer needs a causal backbone: set causal=True in model.backbone of the '
                'config, and train it so'
            )
        device = torch.device(device)
        if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
            raise ValueError(f"there is no device {device}: torch finds {torch.cuda.device_count()} GPUs; use 'cpu'")
        self.model = build_recognizer(config, checkpoint).to(device).eval()
        self.classes = class_names(self.model, config, self.model.cls_head.num_classes)
        self.transforms = frame_transforms(config)
        self.window = self.model.backbone.num_segments if window is None else window
        if self.window < 1:
            raise ValueError(f'window must be at least 1 frame, not {self.window}')
        self.reset()

    def reset(self) -> None:
        """Forget the stream: the next frame is the first one."""
        self.state: tuple[Tensor, ...] | None = None
        self._size: tuple[int, ...] = ()
        self._logits: deque[Tensor] = deque(maxlen=self.window)

    @torch.no_grad()
    def step(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Take the next frame of the stream.

        Args:
            frame: RGB picture, ``uint8 (H, W, 3)``.

        Returns:
            Probability of each class, ``float32 (num_classes,)``.

        Raises:
            TypeError: If the frame is not an array of ``uint8``.
            ValueError: If its shape is not ``(H, W, 3)``, it has no pixels, its size differs from the frames since
                :meth:`reset`, or its scores are not finite. The stream goes on without it.
        """
        self._check(frame)
        picture = self._preprocess(frame)
        backbone = self.model.backbone
        state = backbone.initial_state(1, *picture.shape[2:]) if self.state is None else self.state
        features, next_state = backbone.step(picture, state)
        logits = [*self._logits, classify(self.model.cls_head, features)][-self.window :]
        mean = torch.stack(logits).mean(0)[0]
        scores = finite_scores(mean.sigmoid() if gives_several_classes(self.model.cls_head) else mean.softmax(-1))
        self.state, self._size = next_state, frame.shape[:2]
        self._logits.append(logits[-1])
        return scores

    def _check(self, frame: NDArray[np.uint8]) -> None:
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
            kind = frame.dtype if isinstance(frame, np.ndarray) else type(frame).__name__
            raise TypeError(f'a frame must be a numpy array of uint8, RGB, not {kind}')
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0:
            raise ValueError(f'a frame must be (H, W, 3), RGB, but its shape is {frame.shape}')
        if self.state is not None and frame.shape[:2] != self._size:
            raise ValueError(
                f'the frames of a stream have one size: after {self._size} came {frame.shape[:2]} (height, width); '
                'call reset() before another stream'
            )

    def _preprocess(self, frame: NDArray[np.uint8]) -> Tensor:
        """Return the frame as the config's validation pipeline makes it, ``(1, 3, H, W)``."""
        size = frame.shape[:2]
        results: dict[str, Any] = dict(
            imgs=[frame], img_shape=size, original_shape=size, modality='RGB', num_clips=1, clip_len=1, label=-1
        )
        for transform in self.transforms:
            results = transform(results)
        data = dict(inputs=[results['inputs']], data_samples=[results['data_samples']])
        return self.model.data_preprocessor(data)['inputs'].flatten(0, 1)


def classify(head: nn.Module, features: Tensor) -> Tensor:
    """Return the logits ``(N, num_classes)`` of one frame's features ``(N, C, H, W)``."""
    return head.get_submodule('fc_cls')(features.mean((2, 3)))
