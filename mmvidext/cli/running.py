"""What ``mmvidext train`` and ``mmvidext test`` share: from a config and flags to a runner."""

import os
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

__all__ = [
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
    return cfg


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
    labels = (dataset.get_data_info(index).get('label') for index in range(len(dataset)))
    if any(isinstance(label, int) and label == -1 for label in labels):  # of several classes, a label is a vector
        if not dump:
            raise click.ClickException(
                f'clips of {dataset.ann_file} have no label: use --dump FILE.pkl to write the predictions'
            )
        loop.evaluator.metrics = [metric for metric in loop.evaluator.metrics if isinstance(metric, DumpResults)]


def build_runner(cfg: Config) -> Any:
    """Build the runner, on CPU too where several processes were launched."""
    if cfg.launcher == 'pytorch' and not torch.cuda.is_available():
        # mmengine sets a CUDA device before it makes the process group, and gives the wrapper CUDA device numbers
        torch.distributed.init_process_group('gloo')
        if cfg.get('model_wrapper_cfg') is None:
            unused = cfg.get('find_unused_parameters', False)
            cfg.model_wrapper_cfg = dict(
                type='MMDistributedDataParallel',
                device_ids=None,
                broadcast_buffers=False,
                find_unused_parameters=unused,
            )
    return RUNNERS.build(cfg) if cfg.get('runner_type') else Runner.from_cfg(cfg)


def leave_process_group() -> None:
    """Wait for the other processes of a distributed run, then close its connections.

    Without this a process can end while another is still writing a checkpoint: its communication threads are then torn
    down with the interpreter, which now and then aborts it, and the launcher stops the whole run.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
