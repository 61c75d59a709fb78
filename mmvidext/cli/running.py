"""What ``mmvidext train`` and ``mmvidext test`` share: from a config and flags to a runner."""

import errno
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from traceback import format_exception
from typing import Any

import click
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.dist import get_world_size
from mmengine.evaluator import DumpResults
from mmengine.logging import print_log
from mmengine.registry import RUNNERS
from mmengine.runner import FlexibleRunner, Runner
from torch import nn

from mmvidext.cli.config import load_config
from mmvidext.cli.config_keys import dataloaders
from mmvidext.cli.console import QuietRunner
from mmvidext.cli.gpu_flags import prepare_loaders, use_channels_last
from mmvidext.cli.optimizer_report import report_optimizer
from mmvidext.cli.options import usage_errors
from mmvidext.cli.pretrained_errors import naming_what_cannot_be_fetched
from mmvidext.cli.ready_config import config_of_data
from mmvidext.cli.unknown_keys import check_component_keys
from mmvidext.engine.run_parts import loaders_of, process_timeout
from mmvidext.engine.shared_batches import ShareBatchesHook, SharingRunner
from mmvidext.engine.work_dir import check_writable

LOADER_TIMEOUT = 600  # seconds without a batch from the workers: the disk is dead, or a worker hangs
STOPPED_MARGIN = 5  # seconds more that a worker may be stopped

__all__ = [
    'bounded',
    'build_runner',
    'build_testing',
    'build_training',
    'building_errors',
    'check_labels',
    'config_or_data',
    'leave_process_group',
    'load_run_config',
    'run_errors',
    'start_from',
]


def config_or_data(config: str, model: str | None = None) -> str:
    """Return a config, or the ready config in a folder that ``mmvidext data`` has written.

    Raises:
        click.UsageError: If a model is given and no folder, or the folder has no ready config for it.
    """
    if not Path(config).is_dir():
        if model is not None and '::' not in config and not Path(config).is_file():
            raise click.UsageError(f'there is no folder {config}')
        if model is not None:
            raise click.UsageError(f'--model is for a folder of your data, but {config} is a config, which has a model')
        return config
    with usage_errors():
        return str(config_of_data(Path(config), model))


def load_run_config(
    config: str,
    *,
    work_dir: str | None,
    seed: int | None,
    deterministic: bool,
    cfg_options: tuple[str, ...],
    launcher: str,
    local_rank: int,
    channels_last: bool = False,
    workers: str | None = None,
    warns: bool = True,
) -> Config:
    """Read the config and apply the common flags. ``--cfg-options`` win over the config, the other flags over both."""
    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    with usage_errors():
        cfg = load_config(config, cfg_options, warns=warns)
        for line in check_component_keys(cfg):
            print_log(line, logger='current', level=logging.WARNING)
    if not isinstance(cfg.get('model'), dict):
        raise click.UsageError(f'{config} has no model: it is no config of a run')
    _check_visualization(cfg)
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(cfg.filename).stem)
    with run_errors():
        check_writable(Path(cfg.work_dir), 'log')
    randomness = dict(cfg.get('randomness') or {})
    if seed is not None:
        randomness['seed'] = seed
    if deterministic:
        randomness['deterministic'] = True
    if randomness.get('deterministic'):  # torch refuses products on a GPU without it; cuBLAS reads it at its start
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    if randomness:
        cfg.randomness = randomness
    if channels_last:
        use_channels_last(cfg)
    prepare_loaders(cfg, workers)
    _set_loader_timeouts(cfg)
    return cfg


def _check_visualization(cfg: Config) -> None:
    """Refuse mmaction2's ``VisualizationHook`` where it would end the run at the first clip that it draws."""
    hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]
    types = {hook.get('type') for hook in hooks if isinstance(hook, dict) and hook.get('enable')}
    if cfg.get('default_scope') != 'mmaction' or not types & {'VisualizationHook', 'mmaction.VisualizationHook'}:
        return
    from mmaction.visualization import ActionVisualizer

    if 'show' not in signature(ActionVisualizer.add_datasample).parameters:
        raise click.UsageError(
            "mmaction2's VisualizationHook calls its visualizer with an argument that it does not take (show): write "
            "type='mmvidext.VisualizationHook'"
        )


def _set_loader_timeouts(cfg: Config) -> None:
    """Let a loader whose workers deliver nothing end with an error, unless the config says how long it may wait."""
    for _, loader in dataloaders(cfg):
        if loader.get('num_workers', 0) > 0:
            loader.setdefault('timeout', LOADER_TIMEOUT)


def _stopped_seconds(cfg: Config) -> float:
    """Return how long a worker may be stopped: longer than its loader waits, whose error says more; 0: no limit."""
    limits = [loader['timeout'] for _, loader in dataloaders(cfg) if loader.get('num_workers', 0) > 0]
    return max(limits) + STOPPED_MARGIN if limits and all(limits) else 0


@contextmanager
def bounded(cfg: Config) -> Iterator[None]:
    """Run with an error in one line when a process is lost, and no process left behind when this one ends early."""
    from mmvidext.engine.lost_processes import LostProcessError, naming_lost_processes

    try:
        with naming_lost_processes(stopped_seconds=_stopped_seconds(cfg)):
            yield
    except LostProcessError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo('stopped by SIGINT', err=True)
        sys.exit(130)


def start_from(runner: Any, checkpoint: str | None, *, resume: bool) -> None:
    """Let training start from a checkpoint's weights, or check that it can be resumed; without one do nothing.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not fit the model.
    """
    from mmvidext.apis.weights import fit_for_resuming, fit_for_training
    from mmvidext.engine import StartWeightsHook

    if checkpoint is None:
        return
    if not isinstance(runner.model, torch.nn.Module):  # mmengine's FlexibleRunner would build it when training starts
        runner.model = runner.strategy.build_model(runner.model)
    if resume:
        fit_for_resuming(runner.model, checkpoint)
    else:
        runner.register_hook(StartWeightsHook(fit_for_training(runner.model, checkpoint).weights))


def check_labels(runner: Runner, *, dump: Path | None, measured: Sequence[str] = ()) -> None:
    """Without labels there is nothing to measure: drop the metrics, or stop if no predictions are requested.

    Args:
        runner: Of the evaluation.
        dump: Where the predictions go.
        measured: The options that ask for what is measured.

    Raises:
        click.ClickException: If there are no labels, and no predictions or measurements are requested.
    """
    loop = runner.test_loop
    dataset = loop.dataloader.dataset
    if not isinstance(dataset, BaseDataset):
        return
    labels = (dataset.get_data_info(index).get('label') for index in range(len(dataset)))
    if any(isinstance(label, int) and label == -1 for label in labels):  # of several classes, a label is a vector
        if not dump:
            raise click.ClickException(
                f'clips of {dataset.ann_file} have no label: use --dump FILE.pkl to write the predictions'
            )
        if measured:
            raise click.ClickException(
                f'clips of {dataset.ann_file} have no label, so nothing is measured: leave out {", ".join(measured)}'
            )
        loop.evaluator.metrics = [metric for metric in loop.evaluator.metrics if isinstance(metric, DumpResults)]


def build_runner(cfg: Config, *, verbose: bool) -> Any:
    """Build the runner, on CPU too where several processes were launched; none outlives the one that started it.

    Args:
        cfg: The config.
        verbose: Print the environment, the config and the hooks, too. A runner of the config's own does so always.
    """
    from mmvidext.engine.parent_death import end_forks_with_this_process, end_with_parent

    if cfg.launcher != 'none':
        end_with_parent()
    end_forks_with_this_process()
    if cfg.launcher == 'pytorch' and not torch.cuda.is_available():
        # mmengine sets a CUDA device before it makes the process group, and gives the wrapper CUDA device numbers
        torch.distributed.init_process_group('gloo', timeout=process_timeout(cfg))
        if cfg.get('model_wrapper_cfg') is None:
            unused = cfg.get('find_unused_parameters', False)
            cfg.model_wrapper_cfg = dict(
                type='MMDistributedDataParallel',
                device_ids=None,
                broadcast_buffers=False,
                find_unused_parameters=unused,
            )
    own = SharingRunner if verbose else QuietRunner
    with building_errors(cfg):
        if not cfg.get('runner_type'):
            return own.from_cfg(cfg)
        runner = RUNNERS.build(cfg)
        runner.register_hook(ShareBatchesHook())
        return runner


def build_training(runner: Any, cfg: Config) -> None:
    """Build what mmengine's runners would build only when training starts: data, loops, and model or optimizer.

    A ``FlexibleRunner`` builds the optimizer together with the model's wrapper, when training starts: an error in these
    is one line, too. A runner of any other class is left alone.

    Raises:
        click.ClickException: If something cannot be built from the config, or there is no batch to train on.
    """
    is_flexible = isinstance(runner, FlexibleRunner)
    if not is_flexible and type(runner) not in (SharingRunner, QuietRunner):
        return
    with building_errors(cfg):
        loader = runner.train_loop.dataloader
        if is_flexible:
            runner.model = runner.strategy.build_model(runner.model)
            runner.strategy.prepare = _naming_the_config(runner.strategy.prepare, cfg, runner.model)
        else:
            runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
            report_optimizer(runner, cfg)
            runner._init_model_weights = _naming_the_config(runner._init_model_weights, cfg, runner.model)
        if runner.val_loop is not None and not all(len(one) for one in loaders_of(runner.val_loop)):
            raise ValueError('val_dataloader has no sample')
        if not len(loader):
            raise ValueError(
                f'no batch is left to train on: train_dataloader.batch_size={loader.batch_size} and drop_last=True, '
                f'but the data set has {len(loader.dataset)} samples, to share among {get_world_size()} processes'
            )


def build_testing(runner: Any, cfg: Config) -> None:
    """Build the model of a ``FlexibleRunner``, which would build it only when testing starts.

    Raises:
        click.ClickException: If it cannot be built from the config.
    """
    if isinstance(runner, FlexibleRunner):
        with building_errors(cfg):
            runner.model = runner.strategy.build_model(runner.model)


def _naming_the_config(step: Callable[..., Any], cfg: Config, model: nn.Module) -> Callable[..., Any]:
    """Let an error in a step of mmengine's runner be one line, too, that of a file that the model starts from as well.

    mmengine takes these steps when training starts, and has no place for a check of one's own between.
    """

    def step_or_say(*args: Any, **kwargs: Any) -> Any:
        with building_errors(cfg), naming_what_cannot_be_fetched(model):
            return step(*args, **kwargs)

    return step_or_say


@contextmanager
def building_errors(cfg: Config) -> Iterator[None]:
    """End the command with one line where something cannot be built from a config."""
    try:
        yield
    except click.ClickException:
        raise
    except Exception as error:  # a config names any class, which may raise anything
        traceback = ''.join(format_exception(error))
        print_log(f'the error in full:\n{traceback}', logger='current', level=logging.DEBUG)
        raise click.ClickException(f'{cfg.filename}: {type(error).__name__}: {" ".join(str(error).split())}') from error


@contextmanager
def run_errors() -> Iterator[None]:
    """End the command with one line where a run cannot go on, and close the connections when it was told to stop."""
    from mmvidext.datasets.atomic_write import WriteError
    from mmvidext.datasets.media.files import BadFileError
    from mmvidext.engine import RunError

    try:
        yield
    except RunError as error:
        raise click.ClickException(str(error)) from error
    except WriteError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        file = error.filename or 'a file of the run'  # which a write does not name
        raise click.ClickException(f'{file} cannot be written: {error.strerror}') from error
    except BadFileError as error:  # that of a worker process begins with its traceback
        raise click.ClickException(str(error).rpartition(f'{type(error).__name__}: ')[2].rstrip()) from error
    except SystemExit:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        raise


def leave_process_group() -> None:
    """Wait for the other processes of a distributed run, then close its connections.

    Without this a process can end while another is still writing a checkpoint: its communication threads are then torn
    down with the interpreter, which now and then aborts it, and the launcher stops the whole run.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
