"""Say which parameters an optimizer leaves out, and which of its settings are for none."""

import logging
from collections.abc import Mapping

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmvidext.cli.config_names import nearest
from mmvidext.engine.run_parts import optim_wrappers

__all__ = ['report_optimizer']


def report_optimizer(runner: Runner, cfg: Config) -> None:
    """Log what the config of an optimizer that was built says in vain, or does not say.

    Some constructors know only certain kinds of layers. A custom key is a part of the names of parameters; one that is
    in none is often misspelled, but configs of the toolboxes also have some for parts that a model need not have.
    """
    lines = _custom_keys_of_none(runner, cfg)
    if left_out := _left_out(runner):
        lines.append(f'the optimizer leaves out {", ".join(left_out)}, which therefore stay as they are')
    for line in lines:
        print_log(line, logger='current', level=logging.WARNING)


def _left_out(runner: Runner) -> list[str]:
    wrappers = optim_wrappers(runner.optim_wrapper)
    known = {id(param) for one in wrappers for group in one.param_groups for param in group['params']}
    return [name for name, param in runner.model.named_parameters() if param.requires_grad and id(param) not in known]


def _custom_keys_of_none(runner: Runner, cfg: Config) -> list[str]:
    paramwise = (cfg.get('optim_wrapper') or {}).get('paramwise_cfg')
    keys = paramwise.get('custom_keys') if isinstance(paramwise, Mapping) else None
    names = [name if '.' in name else f'.{name}' for name, _ in runner.model.named_parameters()]  # as mmengine looks
    parts = {part for name in names for part in (*name.split('.'), name.rpartition('.')[0])}
    return [
        f'optim_wrapper.paramwise_cfg.custom_keys.{key} is in no name of a parameter, so it changes nothing'
        f'{nearest(key, parts)}'
        for key in keys or ()
        if not any(key in name for name in names)
    ]
