"""What tools/train.py and tools/test.py share: flags, and what a flag does to the config."""

import argparse
import os
import sys
from pathlib import Path

# Huge pages save a third of the page faults of CPU runs; torch reads this once, at its first allocation.
os.environ.setdefault('THP_MEM_ALLOC_ENABLE', '1')

import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import BaseDataset
from mmengine.evaluator import DumpResults
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

__all__ = [
    'add_common_arguments',
    'build_runner',
    'check_labels',
    'leave_process_group',
    'load_config',
    'start_from',
]


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that training and testing have in common."""
    parser.add_argument('config', type=Path, help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go (default: work_dirs/NAME_OF_THE_CONFIG)')
    parser.add_argument('--seed', type=int, help='of all random numbers (default: a random one, the same on all ranks)')
    parser.add_argument('--deterministic', action='store_true', help='deterministic algorithms, at some cost in speed')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override the config, for example optim_wrapper.optimizer.lr=0.005 train_cfg.max_epochs=12',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def load_config(parser: argparse.ArgumentParser, args: argparse.Namespace) -> Config:
    """Read the config and apply the common flags. ``--cfg-options`` win over the config, the other flags over both."""
    if not args.config.is_file():
        parser.error(f'there is no config {args.config}')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs') / args.config.stem)
    randomness = dict(cfg.get('randomness') or {})
    if args.seed is not None:
        randomness['seed'] = args.seed
    if args.deterministic:
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


def check_labels(runner: Runner, *, dump: str | None) -> None:
    """Without labels there is nothing to measure: leave the metrics out, or stop if no predictions are asked for."""
    loop = runner.test_loop
    dataset = loop.dataloader.dataset
    if not isinstance(dataset, BaseDataset):
        return
    if any(dataset.get_data_info(index).get('label', 0) == -1 for index in range(len(dataset))):
        if not dump:
            sys.exit(f'error: clips of {dataset.ann_file} have no label: use --dump FILE.pkl to write the predictions')
        loop.evaluator.metrics = [metric for metric in loop.evaluator.metrics if isinstance(metric, DumpResults)]


def build_runner(cfg: Config, args: argparse.Namespace) -> Runner:
    """Build the runner, on CPU too where several processes were launched."""
    if args.launcher == 'pytorch' and not torch.cuda.is_available():
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
