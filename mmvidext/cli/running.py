"""What ``mmvidext train`` and ``mmvidext test`` share: from a config and flags to a runner."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.evaluator import DumpResults
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mmvidext.cli.config import load_config
from mmvidext.cli.options import usage_errors

LOADER_TIMEOUT = 600  # seconds without a batch from the workers: the disk is dead, or a worker hangs

__all__ = [
    'bounded',
    'build_runner',
    'check_labels',
    'leave_process_group',
    'load_run_config',
    'start_from',
]


def load_run_config(
    config: str,
    *,
    work_dir: str | None,
    seed: int | None,
    deterministic: bool,
    cfg_options: tuple[str, ...],
    launcher: str,
    local_rank: int,
) -> Config:
    """Read the config and apply the common flags. ``--cfg-options`` win over the config, the other flags over both."""
    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    with usage_errors():
        cfg = load_config(config, cfg_options)
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(cfg.filename).stem)
    randomness = dict(cfg.get('randomness') or {})
    if seed is not None:
        randomness['seed'] = seed
    if deterministic:
        randomness['deterministic'] = True
    if randomness:
        cfg.randomness = randomness
    for split in ('train', 'val', 'test'):
        _set_loader_timeout(cfg.get(f'{split}_dataloader'))
    return cfg


def _set_loader_timeout(loader: Any) -> None:
    """Let a loader whose workers deliver nothing end with an error, unless the config says how long it may wait."""
    if isinstance(loader, dict) and loader.get('num_workers', 0) > 0:
        loader.setdefault('timeout', LOADER_TIMEOUT)


@contextmanager
def bounded() -> Iterator[None]:
    """Run with an error in one line when a process is lost, and no process left behind when this one ends early."""
    from mmvidext.engine.lost_processes import LostProcessError, naming_lost_processes

    try:
        with naming_lost_processes():
            yield
    except LostProcessError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo('stopped by SIGINT', err=True)
        sys.exit(130)


def start_from(runner: Runner, checkpoint: str | None, *, resume: bool) -> None:
    """Let training start from a checkpoint's weights, or check that it can be resumed; without one do nothing.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not fit the model.
    """
    from mmvidext.apis.weights import fit_for_resuming, fit_for_training
    from mmvidext.engine import StartWeightsHook

    if checkpoint is None:
        return
    if resume:
        fit_for_resuming(runner.model, checkpoint)
    else:
        runner.register_hook(StartWeightsHook(fit_for_training(runner.model, checkpoint).weights))


def check_labels(runner: Runner, *, dump: Path | None) -> None:
    """Without labels there is nothing to measure: drop the metrics, or stop if no predictions are requested."""
    loop = runner.test_loop
    dataset = loop.dataloader.dataset
    if not isinstance(dataset, BaseDataset):
        return
    if any(dataset.get_data_info(index).get('label', 0) == -1 for index in range(len(dataset))):
        if not dump:
            raise click.ClickException(
                f'clips of {dataset.ann_file} have no label: use --dump FILE.pkl to write the predictions'
            )
        loop.evaluator.metrics = [metric for metric in loop.evaluator.metrics if isinstance(metric, DumpResults)]


def build_runner(cfg: Config) -> Any:
    """Build the runner, on CPU too where several processes were launched; none outlives the one that started it."""
    from mmvidext.engine.parent_death import end_forks_with_this_process, end_with_parent

    if cfg.launcher != 'none':
        end_with_parent()
    end_forks_with_this_process()
    if cfg.launcher == 'pytorch' and not torch.cuda.is_available():
        # mmengine sets a CUDA device before it makes the process group, and gives the wrapper CUDA device numbers
        torch.distributed.init_process_group('gloo', timeout=_process_timeout(cfg))
        if cfg.get('model_wrapper_cfg') is None:
            unused = cfg.get('find_unused_parameters', False)
            cfg.model_wrapper_cfg = dict(
                type='MMDistributedDataParallel',
                device_ids=None,
                broadcast_buffers=False,
                find_unused_parameters=unused,
            )
    return RUNNERS.build(cfg) if cfg.get('runner_type') else Runner.from_cfg(cfg)


def _process_timeout(cfg: Config) -> timedelta | None:
    """Return how long a process waits for another one; None is torch's default."""
    seconds = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('timeout')
    return None if seconds is None else timedelta(seconds=seconds)


def leave_process_group() -> None:
    """Wait for the other processes of a distributed run, then close its connections.

    Without this a process can end while another is still writing a checkpoint: its communication threads are then torn
    down with the interpreter, which now and then aborts it, and the launcher stops the whole run.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
