"""What a checkpoint must be like for a run to resume from it, and what of it never reaches the run."""

from collections.abc import Iterator
from pathlib import Path
from reprlib import repr as short_repr
from typing import Any

from mmengine.hooks import EMAHook
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor

from mmvidext.checkpoints.read import class_difference
from mmvidext.engine.channels_last_hook import ChannelsLastHook
from mmvidext.engine.optimizer_checks import check_optimizers, optimizer_changes
from mmvidext.engine.resume_point import RUN_STATE
from mmvidext.engine.run_error import RunError
from mmvidext.engine.run_parts import optim_wrappers, unwrap_model

__all__ = ['arithmetic_of', 'changed_arithmetic', 'check_resumable', 'confine']

# what changes in a scheduler while it is used; the rest is its settings
_PROGRESS = {
    'end',  # mmengine sets it to the length of the run; what a schedule makes of it has another name
    'last_step',
    '_global_step',
    '_last_value',
    'best',
    'num_bad_epochs',
    'cooldown_counter',
    'verbose',
}
_COUNTS = ('last_step', '_global_step', 'end')
_PLAIN = (int, float, str, bool, list, tuple, dict)  # milestones are counted in a dict


def confine(checkpoint: dict[str, Any], directory: Path) -> None:
    """Remove from a checkpoint what mmengine would run, and every path outside of a directory.

    mmengine executes ``meta['config']`` as Python when it resumes, and removes files that the checkpoint names as its
    best and last ones. Of those only the names are kept, if such files are in ``directory``: so a work directory can
    be moved, and nothing outside of it is removed.
    """
    meta = checkpoint.get('meta')
    if isinstance(meta, dict):
        meta.pop('config', None)
    hub = checkpoint.get('message_hub')
    if not isinstance(hub, dict) or not isinstance(hub.get('runtime_info'), dict):
        return
    info = hub['runtime_info']
    for key in [key for key in info if key == 'last_ckpt' or str(key).startswith('best_ckpt')]:
        path = directory / Path(str(info[key]).replace('\\', '/')).name
        if path.is_file():
            info[key] = str(path)
        else:
            del info[key]
            if isinstance(hub.get('resumed_keys'), dict):
                hub['resumed_keys'].pop(key, None)
    if 'keep_ckpt_ids' in info:
        ids = info['keep_ckpt_ids']
        info['keep_ckpt_ids'] = [one for one in ids if isinstance(one, int)] if isinstance(ids, list) else []


def check_resumable(runner: Runner, checkpoint: dict[str, Any]) -> list[tuple[Any, int]]:
    """Check that a checkpoint is the state of such a run.

    Returns:
        The schedulers that had ended and go on in this longer run, each with the steps that it has missed.

    Raises:
        RunError: If it is the weights alone, damaged, or of another model, other classes, another optimizer, another
            schedule or a longer run, or has averaged weights for which this run has no hook.
    """
    missing = [key for key in (*RUN_STATE, 'state_dict') if not isinstance(checkpoint.get(key), dict)]
    if missing or not all(isinstance(checkpoint['meta'].get(key), int) for key in ('epoch', 'iter')):
        raise RunError(
            f'this checkpoint has no {missing[0] if missing else "position"}: it is weights, such as those of best_*, '
            'and no run can resume from it; begin a new one from them with load_from, or resume from a regular one'
        )
    _check_meta(runner, checkpoint['meta'], checkpoint['message_hub'])
    own = unwrap_model(runner.model).state_dict()
    _check_model(own, checkpoint['state_dict'])
    _check_classes(runner, checkpoint['meta'].get('dataset_meta'))
    check_optimizers(runner.optim_wrapper, checkpoint['optimizer'])
    _warn_of_unused_settings(runner, checkpoint)
    if 'ema_state_dict' in checkpoint and not any(isinstance(hook, EMAHook) for hook in runner.hooks):
        raise RunError(
            'this checkpoint is of a run with EMAHook, and its weights are averaged: a run without that hook would go '
            'on from the average; resume with it, or begin a new run from these weights: --weights (load_from)'
        )
    if 'ema_state_dict' in checkpoint:
        average = checkpoint['ema_state_dict']
        if not isinstance(average, dict):
            raise RunError(f'this checkpoint is damaged: its ema_state_dict is {short_repr(average)}')
        _check_model(own, {name: value for name, value in average.items() if str(name).startswith('module.')})
    return _check_schedulers(runner.param_schedulers, checkpoint.get('param_schedulers'))


def arithmetic_of(runner: Runner) -> dict[str, str]:
    """Return the settings of a run that change its numbers a little, and that no other check compares."""
    wrappers = optim_wrappers(runner.optim_wrapper)
    precision = [str(getattr(one, 'cast_dtype', None)) for one in wrappers if isinstance(one, AmpOptimWrapper)]
    return {
        '--channels-last': str(any(isinstance(hook, ChannelsLastHook) for hook in runner.hooks)),
        '--amp': ', '.join(precision) or 'False',
        '--compile': str(runner.cfg.get('compile') or False),
        'activation_checkpointing': str(runner.cfg.get('activation_checkpointing')),
        'with_cp': str(any(getattr(module, 'with_cp', False) for module in runner.model.modules())),
    }


def changed_arithmetic(here: dict[str, str], there: dict[str, str]) -> list[str]:
    """Name the settings of :func:`arithmetic_of` that are others here than in a checkpoint."""
    both = ((name, value, there.get(name, value)) for name, value in here.items())
    return [f'{name} is {value} instead of {other}' for name, value, other in both if value != other]


def _check_meta(runner: Runner, meta: dict[str, Any], hub: dict[str, Any]) -> None:
    seed = meta.get('seed')
    if seed is not None and not (isinstance(seed, int) and 0 <= seed < 2**32):
        raise RunError(f'this checkpoint is damaged: its seed is {short_repr(seed)}')
    if min(meta['epoch'], meta['iter']) < 0:
        raise RunError(f'this checkpoint is damaged: it is of epoch {meta["epoch"]}, iteration {meta["iter"]}')
    for key in ('log_scalars', 'runtime_info', 'resumed_keys'):
        if not isinstance(hub.get(key), dict):
            raise RunError(f'this checkpoint is damaged: the {key} of its message_hub are {short_repr(hub.get(key))}')
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        unit, done, end = 'epochs', meta['epoch'], runner.max_epochs
    else:
        unit, done, end = 'iters', meta['iter'], runner.max_iters
    if done > end:
        raise RunError(f'this checkpoint is of {done} {unit}, and the run ends after {end}: give a larger max_{unit}')


def _check_model(own: dict[str, Any], saved: dict[str, Any]) -> None:
    saved = {str(name).removeprefix('module.'): tensor for name, tensor in saved.items()}
    wrong = [f'{name} is missing' for name in own if name not in saved]
    wrong += [f'{name} is not in the model' for name in saved if name not in own]
    wrong += [
        f'{name} is {_shape(saved[name]) or "no tensor"} instead of {_shape(own[name])}'
        for name in own
        if name in saved and _shape(own[name]) != _shape(saved[name])
    ]
    if wrong:
        raise RunError(f'this checkpoint is of another model than that of the config: {"; ".join(wrong[:3])}')


def _shape(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else ''


def _check_classes(runner: Runner, saved: Any) -> None:
    own = getattr(runner.train_loop.dataloader.dataset, 'metainfo', None)
    try:
        difference = class_difference(saved, own)
    except ValueError as error:
        raise RunError(f'this checkpoint cannot be resumed from: {error}') from error
    if difference:
        raise RunError(f'this checkpoint is of other classes: {difference}')


def _warn_of_unused_settings(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Name the settings of this config in whose place the checkpoint's are used."""
    changes = optimizer_changes(runner.optim_wrapper, runner.param_schedulers, checkpoint['optimizer'])
    seed, saved = runner._randomness_cfg.get('seed'), checkpoint['meta'].get('seed')  # as mmengine asks
    if None not in (seed, saved):
        changes.append(('randomness.seed', seed, saved))
    for name, here, there in changes:
        if here != there:
            runner.logger.warning(
                f'{name} is {here} here and {there} in the checkpoint, which is used; to train with the new value '
                'begin a new run from its weights: --weights (load_from)'
            )


def _check_schedulers(own: Any, saved: Any) -> list[tuple[Any, int]]:
    missed: list[tuple[Any, int]] = []
    if own is None or saved is None:
        if own:
            raise RunError('this checkpoint has no param_schedulers, so the learning rate would begin anew: no resume')
        return missed
    for name, schedulers in own.items() if isinstance(own, dict) else [('', own)]:
        states = saved.get(name) if isinstance(saved, dict) else saved
        if not isinstance(states, list) or len(states) != len(schedulers):
            raise RunError(
                f'this checkpoint has {len(states) if isinstance(states, list) else "no"} param_schedulers, and the '
                f'config {len(schedulers)}: resume with the config that it was trained with'
            )
        for scheduler, state in zip(schedulers, states, strict=True):
            if not isinstance(state, dict) or not all(isinstance(state.get(key), (int, float)) for key in _COUNTS):
                raise RunError(f'this checkpoint is damaged: it has no state of {type(scheduler).__name__}')
            for key, here, there in _differences(scheduler.state_dict(), state):
                here, there = (sorted(value) if isinstance(value, dict) else value for value in (here, there))
                raise RunError(
                    f'{key} of {type(scheduler).__name__} is {short_repr(here)} here and {short_repr(there)} in the '
                    'checkpoint: resume with the schedule that it was trained with, or begin a new one from its '
                    'weights: --weights (load_from)'
                )
            # at the end of its run a scheduler only counts, and it would do so after the old length for ever
            missed.append((scheduler, min(state['_global_step'] + 1, scheduler.end) - state['end']))
            state['end'] = scheduler.end
    return [(scheduler, steps) for scheduler, steps in missed if steps > 0]


def _differences(own: dict[str, Any], saved: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key, value in own.items():
        if key not in _PROGRESS and isinstance(value, _PLAIN) and saved.get(key) != value:
            yield key, value, saved.get(key)
