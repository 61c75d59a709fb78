"""What a run shows on the console: a short summary, then a line for each epoch. Its log file holds everything."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from numbers import Real
from pathlib import Path
from typing import Any

import click
import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmvidext.datasets.printable import printable
from mmvidext.engine.run_parts import loaders_of, unwrap_model
from mmvidext.engine.shared_batches import SharingRunner
from mmvidext.models.pretrained_file import pretrained_files

__all__ = ['ProgressLines', 'QuietRunner', 'short_path', 'warnings_only']

_MINUTE = 60.0
_NUM_NAMES = 8  # of classes
_NUM_METRICS = 6
# mmengine warns of classes that mmengine itself uses: nothing that a user could change
_OWN_CLASSES = ('"FileClient" will be deprecated', '"HardDiskBackend" is the alias')


def _is_of_use(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_OWN_CLASSES)


@contextmanager
def warnings_only(logger: logging.Logger) -> Iterator[None]:
    """Let a logger print warnings and errors alone; its files get everything. With ``log_level='DEBUG'`` do nothing."""
    consoles = [one for one in logger.handlers if type(one) is logging.StreamHandler and one.level == logging.INFO]
    for console in consoles:
        console.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for console in consoles:
            console.setLevel(logging.INFO)


class QuietRunner(SharingRunner):
    """A runner that is built in silence: the environment, the config and the hooks go into its log file only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with ExitStack() as self._while_building:
            super().__init__(*args, **kwargs)

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger, which prints warnings alone until the runner is built."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if type(handler) is logging.StreamHandler:
                handler.addFilter(_is_of_use)
        self._while_building.enter_context(warnings_only(logger))
        return logger


class ProgressLines(Hook):
    """Print what is trained, then a line for each epoch, and one a minute in between.

    Args:
        name: What the run is called.
        weights: What ``load_from`` or ``--weights`` names.
    """

    priority = 'LOWEST'  # after the hooks that know loss and rate

    def __init__(self, name: str, weights: str | None = None) -> None:
        self.name = name
        self.weights = weights
        self._line = ''  # of the epoch that has ended, whose validation may follow
        self._losses: list[float] = []
        self._begin = self._said = time.monotonic()
        self._first = 0

    def before_train(self, runner: Runner) -> None:
        """Print what is trained on what."""
        for title, text in _summary(runner, self.name, self.weights):
            click.echo(f'{title:10}{text}')
        self._begin = self._said = time.monotonic()
        self._first = runner.iter

    def before_train_epoch(self, runner: Runner) -> None:
        """Print the line of an epoch without validation."""
        self._end_line(runner)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Print a line if the last one is a minute old."""
        if 'train/loss' in runner.message_hub.log_scalars:
            self._losses.append(float(runner.message_hub.get_scalar('train/loss').current()))
        if time.monotonic() - self._said > _MINUTE:
            place = f', batch {batch_idx + 1} of {len(runner.train_dataloader)}' if _counts_epochs(runner) else ''
            self._say(f'{_place(runner, 1)}{place}   {self._state(runner)}{self._left(runner)}')

    def after_train_epoch(self, runner: Runner) -> None:
        """Keep the line of the epoch for its validation."""
        if _counts_epochs(runner):
            self._line = f'{_place(runner, 1)}   {self._state(runner)}'
            self._losses = []

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Print a line if the last one is a minute old."""
        if time.monotonic() - self._said > _MINUTE:
            loaders = loaders_of(runner.val_loop)
            self._say(f'validation, batch {batch_idx + 1}{f" of {len(loaders[0])}" if len(loaders) == 1 else ""}')

    def after_val_epoch(self, runner: Runner, metrics: Mapping[str, Any] | None = None) -> None:
        """Print the line of the epoch, or of the iterations before this validation."""
        if not self._line:
            self._line = f'{_place(runner, 0)}   {self._state(runner)}'.rstrip()
            self._losses = []
        numbers = [f'{name} {value:.4g}' for name, value in (metrics or {}).items() if isinstance(value, Real)]
        more = ', ...' if len(numbers) > _NUM_METRICS else ''
        self._line += f'   validation: {", ".join(numbers[:_NUM_METRICS])}{more}'
        self._end_line(runner)

    def after_train(self, runner: Runner) -> None:
        """Print how long it took, and which checkpoint is the best."""
        self._end_line(runner)
        click.echo(f'trained in {_duration(time.monotonic() - self._begin)}, {_place(runner, 0)}')
        for key, path in runner.message_hub.runtime_info.items():
            if key.startswith('best_ckpt'):
                score = runner.message_hub.get_info(key.replace('best_ckpt', 'best_score'))
                click.echo(f'best checkpoint ({float(score):.4g}): {short_path(path)}')

    def _state(self, runner: Runner) -> str:
        parts = [f'loss {sum(self._losses) / len(self._losses):.4g}'] if self._losses else []
        if 'train/lr' in runner.message_hub.log_scalars:
            parts.append(f'lr {runner.message_hub.get_scalar("train/lr").current():.3g}')
        return ', '.join(parts)

    def _left(self, runner: Runner) -> str:
        done = runner.iter - self._first
        if done <= 0 or runner.iter >= runner.max_iters:
            return ''
        passed = time.monotonic() - self._begin
        return f'   {_duration(passed / done * (runner.max_iters - runner.iter))} left'

    def _end_line(self, runner: Runner) -> None:
        if self._line:
            self._say(f'{self._line}{self._left(runner)}')
        self._line = ''

    def _say(self, line: str) -> None:
        click.echo(line)
        self._said = time.monotonic()


def _summary(runner: Runner, name: str, weights: str | None) -> Iterator[tuple[str, str]]:
    model = unwrap_model(runner.model)
    parts = [type(part).__name__ for part in (model, getattr(model, 'backbone', None)) if part is not None]
    yield 'model', f'{name} ({", ".join(parts)})'
    loader = runner.train_dataloader
    if names := (getattr(loader.dataset, 'metainfo', None) or {}).get('classes'):
        more = ', ...' if len(names) > _NUM_NAMES else ''
        yield 'classes', f'{len(names)}: {", ".join(printable(str(name)) for name in names[:_NUM_NAMES])}{more}'
    validated = ''
    if runner.val_loop is not None:
        validated = f', {sum(len(one.dataset) for one in loaders_of(runner.val_loop))} for validation'
    yield 'data', f'{len(loader.dataset)} samples for training{validated}'
    processes = get_world_size()
    several = f' in each of {processes} processes' if processes > 1 else ''
    size = getattr(loader.batch_sampler, 'batch_size', None)
    yield 'duration', f'{_planned(runner)}, {size} samples a batch{several}'
    if runner.iter:
        yield 'resumed', f'after {_place(runner, 0)}'
    else:
        files = [weights] if weights else pretrained_files(model)
        yield 'weights', ', '.join(files) or 'none, training starts from scratch'
    cuda = next(model.parameters()).is_cuda
    yield 'device', torch.cuda.get_device_name() if cuda else f'CPU, threads: {torch.get_num_threads()}'
    yield 'log', short_path(runner.logger.log_file)


def _counts_epochs(runner: Runner) -> bool:
    return isinstance(runner.train_loop, EpochBasedTrainLoop)


def _planned(runner: Runner) -> str:
    if _counts_epochs(runner):
        return f'{runner.max_epochs} epochs of {len(runner.train_dataloader)} batches'
    return f'{runner.max_iters} batches'


def _place(runner: Runner, more: int) -> str:
    """Return where the run is; ``more`` is 1 while an epoch or iteration is not counted yet."""
    if _counts_epochs(runner):
        return f'epoch {runner.epoch + more} of {runner.max_epochs}'
    return f'iteration {runner.iter + more} of {runner.max_iters}'


def short_path(path: str | Path) -> str:
    """Return a path, from the current folder on if it lies in it."""
    inside = Path(path).absolute()
    return str(inside.relative_to(Path.cwd()) if inside.is_relative_to(Path.cwd()) else path)


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
