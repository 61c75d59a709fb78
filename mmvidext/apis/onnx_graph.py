"""Write a module as an ONNX graph."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmvidext.datasets.atomic_write import atomic_path

__all__ = ['write_onnx']


def write_onnx(
    model: nn.Module,
    arguments: tuple[Any, ...],
    path: str | Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic_shapes: dict[str, Any] | None = None,
    opset: int | None = None,
) -> None:
    """Trace a module and write its graph as one file.

    Args:
        model: It is put into evaluation mode.
        arguments: Of its forward: examples of the sizes.
        path: The file to write.
        inputs: Names of the graph's inputs.
        outputs: Names of the graph's outputs.
        dynamic_shapes: Sizes that stay free, as ``torch.export`` takes them; None fixes all.
        opset: Version of the ONNX operators; None is the exporter's own choice.

    Raises:
        ImportError: If onnx or onnxscript is missing.
        ValueError: If the exporter cannot write this version of the operators.
        OSError: If the file cannot be written.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError("exporting needs onnx and onnxscript: pip install 'mmvidext[onnx]'") from error
    with atomic_path(Path(path)) as temporary:
        with _quiet_exporter(), torch.no_grad():
            torch.onnx.export(
                model.eval(),
                arguments,
                str(temporary),
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=dynamic_shapes,
                opset_version=opset,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        version = next(item.version for item in onnx.load(temporary).opset_import if not item.domain)
        if opset is not None and version != opset:
            raise ValueError(
                f'the exporter cannot write the operators of version {opset}: leave it out, or try {version}'
            )


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Leave out what the exporter says of its own internals: warnings, and the traceback of a failed conversion."""
    logger = logging.getLogger('onnxscript')
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
