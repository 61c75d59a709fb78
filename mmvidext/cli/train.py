"""``mmvidext train``: train a model."""

import logging
import os
import shlex
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import click
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.registry import HOOKS, DefaultScope

from mmvidext.cli.batch_norm_errors import naming_small_batches
from mmvidext.cli.class_arguments import find_class
from mmvidext.cli.console import ProgressLines, short_path, warnings_only
from mmvidext.cli.gpu_flags import train_in_mixed_precision, use_compiler
from mmvidext.cli.options import RunCommand, amp_option, run_options, usage_errors
from mmvidext.cli.ready_config import has_class_folders
from mmvidext.cli.running import (
    bounded,
    build_runner,
    build_training,
    config_or_data,
    leave_process_group,
    load_run_config,
    run_errors,
    start_from,
)
from mmvidext.cli.unused_options import refuse_unused
from mmvidext.engine.run_parts import unwrap_model

__all__ = ['apply_train_flags', 'train', 'warn_of_unlisted']

_RANKS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')  # where each launcher writes it


def apply_train_flags(
    cfg: Config,
    *,
    resume: str | None = None,
    amp: str | None = None,
    compiled: bool = False,
    auto_scale_lr: bool = False,
    no_validate: bool = False,
) -> None:
    """Write the training flags into the config.

    Raises:
        click.UsageError: If a flag cannot be followed with this config, or on this machine.
    """
    if amp:
        train_in_mixed_precision(cfg, amp)
    if compiled:
        use_compiler(cfg)
    if cfg.get('resume'):
        resume = resume or cfg.get('load_from') or 'auto'
    if resume:
        _resume(cfg, resume)
    if auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise click.UsageError(f'--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in {cfg.filename}')
        cfg.auto_scale_lr.enable = True
    if no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None


def _resume(cfg: Config, checkpoint: str) -> None:
    """Resume from a checkpoint; 'auto' is the newest whole one of the run, if there is any."""
    from mmvidext.engine.resume_point import check_newest, check_whole

    with usage_errors():
        newest = _newest(cfg) if checkpoint == 'auto' else checkpoint
        if newest is not None and '://' not in newest:
            check_whole(Path(newest))
            folder, filename_tmpl = _checkpoints(cfg)
            if folder is not None and checkpoint != 'auto':
                check_newest(Path(newest), folder, filename_tmpl)
    cfg.resume = newest is not None  # the first start of a job that always resumes begins with the config's weights
    cfg.load_from = newest or cfg.get('load_from')


def _newest(cfg: Config) -> str | None:
    from mmengine.runner import find_latest_checkpoint

    from mmvidext.engine.resume_point import check_no_earlier_run, find_resume_point

    folder, filename_tmpl = _checkpoints(cfg)
    if folder is None:
        return find_latest_checkpoint(cfg.work_dir)
    path = find_resume_point(folder, filename_tmpl)
    if path is None:
        check_no_earlier_run(Path(cfg.work_dir), folder, filename_tmpl)
    return None if path is None else str(path)


def _checkpoints(cfg: Config) -> tuple[Path | None, str | None]:
    """Return where a run keeps its checkpoints, None if that is not on this machine, and how it names them."""
    from mmvidext.engine.resume_point import checkpoint_folder

    hook = _checkpoint_hook(cfg)
    return checkpoint_folder(cfg.work_dir, hook.get('out_dir')), hook.get('filename_tmpl')


def _checkpoint_hook(cfg: Config) -> Mapping[str, Any]:
    """Return the settings of the first hook that saves checkpoints."""
    default_hooks = cfg.get('default_hooks') or {}
    if 'checkpoint' not in default_hooks:
        return {}  # mmengine's own
    named = [default_hooks['checkpoint'], *default_hooks.values(), *(cfg.get('custom_hooks') or [])]
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmengine'):
        for hook in named:
            cls = find_class(hook.get('type'), (HOOKS,)) if isinstance(hook, dict) else None
            if cls is not None and issubclass(cls, CheckpointHook):
                return hook
    return {}


def _warn_of_earlier_run(cfg: Config) -> None:
    from mmvidext.engine.resume_point import checkpoint_files

    folder, filename_tmpl = _checkpoints(cfg)
    if folder and (earlier := checkpoint_files(folder, filename_tmpl)):
        print_log(
            f'{folder} holds checkpoints of an earlier run, for example {earlier[-1].name}, and this run writes beside '
            'them: a later --resume goes on with the one of most iterations. Take another --work-dir, or delete them',
            logger='current',
            level=logging.WARNING,
        )


def warn_of_unlisted(cfg: Config, lists: Path) -> None:
    """Name the videos that were added to the folders of the classes since ``mmvidext data folder`` wrote its lists.

    Args:
        cfg: The ready config, as it was loaded.
        lists: The folder that it lies in.
    """
    from mmvidext.apis.frame_pipeline import innermost_dataset
    from mmvidext.datasets.own_data.unlisted import unlisted_clips

    if not has_class_folders(Path(cfg.filename)):
        return
    try:
        root = Path(innermost_dataset(cfg, 'train_dataloader')['data_prefix']['video'])
        new = unlisted_clips(root, lists)
    except (LookupError, ValueError, OSError):  # the data set says what is missing
        return
    if new:
        more = f' and {len(new) - 1} more are' if len(new) > 1 else ' is'
        out = [] if lists.resolve() == root.resolve() else ['--out', str(lists)]
        command = shlex.join(['mmvidext', 'data', 'folder', str(root), *out])
        text = f'{root / new[0]}{more} in no list, and not trained on: run {command} again'
        print_log(text, logger='current', level=logging.WARNING)


@click.command(cls=RunCommand)
@run_options
@click.option(
    '--model', metavar='NAME', help='Recipe to train on a folder of your data: tsm_r18, ms_tsm_r50, r2plus1d_r18, ...'
)
@click.option(
    '--weights',
    metavar='FILE_URL_OR_NAME',
    help='Weights to start from, ours or official: of the whole network, whatever its classes, or of its backbone. '
    'With --resume they are for a run that has no checkpoint yet.',
)
@click.option(
    '--resume',
    is_flag=False,
    flag_value='auto',
    metavar='[CHECKPOINT]',
    help='Resume from CHECKPOINT, or without one from the newest whole checkpoint in the work directory, if any.',
)
@amp_option
@click.option('--compile', 'compiled', is_flag=True, help='Compile the training step (torch.compile).')
@click.option('--auto-scale-lr', is_flag=True, help="Scale the learning rate to the batch size in the config's way.")
@click.option('--no-validate', is_flag=True, help='Do not evaluate during training.')
def train(
    config: str,
    model: str | None,
    weights: str | None,
    resume: str | None,
    amp: str | None,
    compiled: bool,
    auto_scale_lr: bool,
    no_validate: bool,
    verbose: bool,
    **common: Any,
) -> None:
    """Train the model of CONFIG, or, where CONFIG is a folder that mmvidext data has written, a model on your data.

    Without --model, a folder is trained with the config that it has.
    SIGTERM, SIGUSR1 and SIGHUP end it after the iteration in progress, with a checkpoint and code 75: --resume goes on.

    Example: mmvidext train mmvidext::ms_tsm_r50_sthv2 --work-dir work_dirs/ms_tsm --resume
    """
    cfg = load_run_config(config_or_data(config, model), **common)
    if Path(config).is_dir() and _is_first_process(cfg):
        warn_of_unlisted(cfg, Path(config))
    if weights is not None:
        if resume not in (None, 'auto'):
            refuse_unused(f'is to begin with, but --resume {resume} goes on from a checkpoint: give one', 'weights')
        if cfg.get('resume'):
            resume = resume or 'auto'  # not from the weights, as from the load_from of such a config
        cfg.load_from = weights
    flags: dict[str, Any] = dict(amp=amp, compiled=compiled, auto_scale_lr=auto_scale_lr, no_validate=no_validate)
    with ExitStack() as held:
        with run_errors():
            held.enter_context(_work_dir_lock(cfg))
        apply_train_flags(cfg, resume=resume, **flags)
        _train(cfg, verbose=verbose)
    leave_process_group()


def _is_first_process(cfg: Config) -> bool:
    """Whether this is the first process, before there is a process group to ask."""
    return cfg.launcher not in _RANKS or os.environ.get(_RANKS[cfg.launcher], '0') == '0'


def _work_dir_lock(cfg: Config) -> AbstractContextManager[Any]:
    """Lock the work directory, in the first process, before a runner is built, which writes its config there."""
    from mmvidext.engine.work_dir import lock_work_dir

    return (lock_work_dir(Path(cfg.work_dir)) if _is_first_process(cfg) else None) or nullcontext()


def _train(cfg: Config, *, verbose: bool) -> None:
    load_from = cfg.get('load_from')
    if not cfg.get('resume'):
        cfg.load_from = None  # mmengine would take what fits and say nothing of the rest
    runner = build_runner(cfg, verbose=verbose)
    if not cfg.get('resume') and is_main_process():
        _warn_of_earlier_run(cfg)
    with usage_errors():
        start_from(runner, load_from, resume=bool(cfg.get('resume')))
    build_training(runner, cfg)
    with bounded(cfg), run_errors(), naming_small_batches(runner):
        _run(runner, ProgressLines(Path(cfg.filename).stem, load_from), verbose=verbose)


def _run(runner: Any, lines: ProgressLines, *, verbose: bool) -> None:
    """Train, with a line for each epoch on the console of the first process, or with the whole log."""
    if verbose:
        runner.train()
        return
    if is_main_process():
        runner.register_hook(lines)
    with warnings_only(runner.logger):
        runner.train()
    if is_main_process() and (command := _command_that_shows(runner)):
        click.echo(f'to see it at work: {command}')


def _command_that_shows(runner: Any) -> str:
    """Return the command that shows on a video what was trained; nothing for models that none of ours takes."""
    from mmvidext.apis.trained_model import find_model
    from mmvidext.models.flow import FlowEstimator

    if runner.cfg.get('default_scope') == 'mmaction':
        return f'mmvidext predict {shlex.quote(short_path(runner.work_dir))} VIDEO'
    model = unwrap_model(runner.model)
    outputs = {'DeepFeatureFlow': 'segment {} VIDEO out.mp4', 'DeepFeatureFlowDetector': 'detect {} VIDEO out.mp4'}
    form = 'flow {} VIDEO --picture flow.mp4' if isinstance(model, FlowEstimator) else outputs.get(type(model).__name__)
    if form is None:
        return ''
    try:
        trained = find_model(runner.work_dir)
    except FileNotFoundError:  # the run saved no checkpoint there
        return ''
    files = shlex.join([short_path(trained.config), short_path(str(trained.checkpoint))])
    return f'mmvidext {form.format(files)}'
