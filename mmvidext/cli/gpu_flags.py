"""Flags that ``mmvidext train`` and ``mmvidext test`` have for GPUs, written into the config."""

import os

import click
import torch
from mmengine.config import Config

from mmvidext.cli.config_keys import dataloaders
from mmvidext.cli.options import AMP_TYPES

__all__ = [
    'evaluate_in_half_precision',
    'prepare_loaders',
    'train_in_mixed_precision',
    'use_channels_last',
    'use_compiler',
]

# where each launcher writes how many processes it started on this machine
_PROCESSES_HERE = dict(pytorch='LOCAL_WORLD_SIZE', slurm='SLURM_NTASKS_PER_NODE', mpi='OMPI_COMM_WORLD_LOCAL_SIZE')


def train_in_mixed_precision(cfg: Config, precision: str) -> None:
    """Let the optimizer wrapper run the forward pass in ``'fp16'`` or ``'bf16'``.

    Raises:
        click.UsageError: If there is no GPU, or the config has an optimizer wrapper of another kind.
    """
    from mmengine.device import get_device

    if get_device() == 'cpu':
        raise click.UsageError('--amp needs a GPU, or another device of those that mmengine knows; there is none')
    wrapper = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if wrapper not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise click.UsageError(f'--amp cannot replace the optim_wrapper {wrapper!r} of {cfg.filename}')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.dtype = AMP_TYPES[precision]
    # bfloat16 has the range of float32: there is nothing to scale
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic' if precision == 'fp16' else dict(enabled=False))


def evaluate_in_half_precision(cfg: Config, precision: str) -> None:
    """Let the test loop run the model under autocast in ``'fp16'`` or ``'bf16'``.

    Raises:
        click.UsageError: If the type is fp16 and there is no GPU.
    """
    from mmengine.device import get_device

    device = get_device()
    if device == 'cpu' and precision == 'fp16':
        raise click.UsageError('--amp fp16 needs a GPU; on a CPU use --amp bf16')
    cfg.test_cfg = dict(cfg.get('test_cfg') or {}, fp16=True)
    torch.set_autocast_dtype(device, getattr(torch, AMP_TYPES[precision]))  # the loop takes the type of the device


def use_compiler(cfg: Config) -> None:
    """Let mmengine compile the training step; options in the config's ``compile`` are kept."""
    cfg.compile = cfg.get('compile') or True


def use_channels_last(cfg: Config) -> None:
    """Add the hook that brings model and input into the channels_last layout."""
    hooks = list(cfg.get('custom_hooks') or [])
    if not any(hook.get('type') == 'mmvidext.ChannelsLastHook' for hook in hooks):
        cfg.custom_hooks = [*hooks, dict(type='mmvidext.ChannelsLastHook')]


def prepare_loaders(cfg: Config, workers: str | None) -> None:
    """Set the number of workers, and pin memory where there is a GPU, unless the config says otherwise.

    Raises:
        click.UsageError: If ``workers`` is no number and not ``'auto'``.
    """
    for _, loader in dataloaders(cfg):
        if workers is not None:
            loader['num_workers'] = _count_workers(workers, cfg.get('launcher'))
            loader['persistent_workers'] = loader['num_workers'] > 0
        loader.setdefault('pin_memory', torch.cuda.is_available())


def _count_workers(workers: str, launcher: str | None) -> int:
    if workers == 'auto':
        return max(1, _cores(launcher))
    if not workers.isdecimal():
        raise click.UsageError(f'--workers must be a number or auto, not {workers!r}')
    return int(workers)


def _cores(launcher: str | None) -> int:
    """Return how many cores this process has for itself, as far as its launcher says."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    if launcher == 'slurm' and (given := os.environ.get('SLURM_CPUS_PER_TASK')):
        return min(cores, int(given))  # whether Slurm binds the process to them or not
    return cores // int(os.environ.get(_PROCESSES_HERE.get(launcher or '', ''), 1))
