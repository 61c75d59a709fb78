"""Compare an ONNX graph with the module that it was made from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ['largest_difference']


def largest_difference(path: str | Path, module: nn.Module, arguments: tuple[Any, ...]) -> float:
    """Return the largest difference between the outputs of a graph, in onnxruntime, and those of its module.

    Args:
        path: The graph.
        module: What it was exported from.
        arguments: Of the module's forward: tensors, and tuples of tensors.

    Returns:
        The difference, relative to the largest value of the output.

    Raises:
        ImportError: If onnxruntime is missing.
        ValueError: If the graph and the module take another number of inputs, or return another number of outputs.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError("checking a graph needs onnxruntime: pip install 'mmvidext[onnx]'") from error
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    names = [item.name for item in session.get_inputs()]
    found = session.run(None, {name: item.numpy() for name, item in zip(names, _flat(arguments), strict=True)})
    with torch.no_grad():
        expected = _flat(module.eval()(*arguments))
    return max(
        float((torch.from_numpy(ours) - theirs).abs().max() / theirs.abs().max().clamp(min=1e-6))
        for ours, theirs in zip(found, expected, strict=True)
    )


def _flat(values: Any) -> list[Tensor]:
    """Return the tensors in nested tuples."""
    if isinstance(values, Tensor):
        return [values]
    items: Iterable[Any] = values
    return [tensor for value in items for tensor in _flat(value)]
