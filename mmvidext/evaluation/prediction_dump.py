"""Keep the predictions of a test, to be written when its metrics are known."""

from pathlib import Path
from typing import Any

from mmengine.evaluator import DumpResults
from mmengine.fileio import dump

from mmvidext.datasets.atomic_write import atomic_write_bytes
from mmvidext.registry import METRICS

__all__ = ['PredictionDump']


@METRICS.register_module()
class PredictionDump(DumpResults):
    """mmengine's ``DumpResults``, whose file is written by :meth:`write`: a full disk costs no metrics.

    Args:
        *args: See mmengine's ``DumpResults``.
        **kwargs: Likewise.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._predictions: list[Any] = []

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Keep the predictions."""
        self._predictions = results
        return {}

    def write(self) -> None:
        """Write the predictions of the last evaluation, in the format of mmengine.

        Raises:
            OSError: If the file cannot be written.
        """
        atomic_write_bytes(Path(self.out_file_path), dump(self._predictions, file_format='pkl'))
