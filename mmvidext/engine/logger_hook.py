"""mmengine's ``LoggerHook``, for which a log that cannot be written is no reason to end a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.hooks import LoggerHook as MMEngineLoggerHook
from mmengine.runner import Runner

__all__ = ['LoggerHook']


class LoggerHook(MMEngineLoggerHook):
    """Log as mmengine's hook does; a curve that cannot be written, on a full disk for example, is a warning.

    :class:`~mmvidext.engine.ExactResumeHook` puts it in the place of mmengine's hook.
    """

    _warned: str | None = None

    @classmethod
    def take_over(cls, stock: MMEngineLoggerHook) -> 'LoggerHook':
        """Return a hook that goes on in the place of mmengine's."""
        hook = cls.__new__(cls)
        hook.__dict__.update(vars(stock))
        return hook

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Log a step of training."""
        with self._going_on(runner):
            super().after_train_iter(runner, batch_idx, data_batch, outputs)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Log what a validation measured."""
        with self._going_on(runner):
            super().after_val_epoch(runner, metrics)

    @contextmanager
    def _going_on(self, runner: Runner) -> Iterator[None]:
        """Warn of an error in writing, once for each kind, in place of raising it."""
        try:
            yield
        except OSError as error:
            if str(error) != self._warned:
                self._warned = str(error)
                runner.logger.warning(f'the curves of this run cannot be written: {error}; it goes on without them')
