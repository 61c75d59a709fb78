"""Write the weights of a model to a file."""

import io
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mmvidext.datasets.atomic_write import atomic_write_bytes

__all__ = ['save_weights']


def save_weights(path: Path, weights: Mapping[str, Tensor], *, source: str | None) -> None:
    """Write a checkpoint of weights alone.

    Args:
        path: The file, complete or not there.
        weights: By their names in the model.
        source: Project that they are from, if it is known.

    Raises:
        OSError: If the file cannot be written.
    """
    content = io.BytesIO()  # of a full disk PyTorch's own writer says only that it failed
    torch.save({'state_dict': weights, 'meta': {'source': source}}, content)
    atomic_write_bytes(path, content.getvalue())
