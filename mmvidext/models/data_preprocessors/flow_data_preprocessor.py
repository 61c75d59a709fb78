"""What turns a batch of image pairs into the input of a flow network."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmvidext.registry import MODELS

__all__ = ['FlowDataPreprocessor']


@MODELS.register_module()
class FlowDataPreprocessor(BaseDataPreprocessor):
    """Stack image pairs and normalize them: ``(image - mean) / std``.

    Nothing is padded: the FlowNets take every size.

    Args:
        mean: Of each channel, RGB, for values from 0 to 255.
        std: Of each channel.
        non_blocking: Whether copies to the device need not be waited for.
    """

    def __init__(
        self,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (255.0, 255.0, 255.0),
        *,
        non_blocking: bool = True,
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        self.register_buffer('mean', torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std, dtype=torch.float32).view(-1, 1, 1), persistent=False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Prepare a batch.

        Args:
            data: ``inputs``: pairs ``(2, 3, H, W)``, RGB, 0 to 255, as a list or already stacked; and
                ``data_samples``, which may be missing.
            training: Unused, part of mmengine's contract.

        Returns:
            ``inputs``: ``float32 (N, 2, 3, H, W)``, and ``data_samples``.

        Raises:
            ValueError: If the images of a batch have different sizes.
        """
        data = self.cast_data(data)
        inputs = data['inputs']
        if not isinstance(inputs, Tensor):
            shapes = {tuple(pair.shape) for pair in inputs}
            if len(shapes) > 1:
                raise ValueError(
                    f'the image pairs of a batch must have one size, but there are {sorted(shapes)}: '
                    'crop them in the pipeline (FlowPairCrop) or set batch_size=1'
                )
            inputs = torch.stack(list(inputs))
        return {'inputs': (inputs.float() - self.mean) / self.std, 'data_samples': data.get('data_samples')}
