"""Options that several commands share, and how a command reports an error of the user."""

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmvidext.cli.lazy_group import HELP_NAMES
from mmvidext.cli.stop_signals import StopSignals, exit_on_interrupt

if TYPE_CHECKING:
    from mmvidext.apis.frame_sources import Source

__all__ = [
    'AMP_TYPES',
    'FILE',
    'PATH',
    'Decorator',
    'FiniteRange',
    'PathEndingIn',
    'RunCommand',
    'add_options',
    'amp_option',
    'cfg_options_option',
    'config_argument',
    'device_option',
    'one_line_errors',
    'optional_checkpoint',
    'run_options',
    'source_options',
    'stoppable_source',
    'usage_errors',
    'workers_option',
]

CFG_OPTIONS = '--cfg-options'
PATH = click.Path(path_type=Path)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


class PathEndingIn(click.Path):
    """A path that ends in one of the suffixes."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(path_type=Path)
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        path: Any = super().convert(value, param, ctx)
        if path.suffix not in self.suffixes:
            self.fail(f'the file must end in {" or ".join(self.suffixes)}, but is {path}', param, ctx)
        return path


class FiniteRange(click.FloatRange):
    """A number of a range, which click's own takes a NaN for, and an infinity where the range has no end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        number: Any = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f'it must be a finite number, but is {value}', param, ctx)
        return number


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class RunCommand(click.Command):
    """A command as the OpenMMLab tools are: ``--cfg-options`` takes several values, and ``-h`` helps, as mim asks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context_settings.setdefault('help_option_names', HELP_NAMES)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C ends it with 130, also where a script in ``tools/`` calls it."""
        with exit_on_interrupt():
            return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the flag in front of every ``KEY=VALUE`` that follows it."""
        return super().parse_args(ctx, list(_repeat_flag(args)))


def _repeat_flag(args: Sequence[str]) -> Iterator[str]:
    taking = False
    for arg in args:
        if arg == CFG_OPTIONS:
            taking = True
        elif taking and '=' in arg and not arg.startswith('-'):
            yield from (CFG_OPTIONS, arg)
        else:
            taking = False
            yield arg


config_argument = click.argument('config')
cfg_options_option = click.option(
    CFG_OPTIONS,
    multiple=True,
    metavar='KEY=VALUE ...',
    help='Change the config: a variable that it is built from, or a value by its path '
    '(optim_wrapper.optimizer.lr=0.005). +KEY=VALUE adds a key that is not there.',
)


def _pick_device(ctx: click.Context, param: click.Parameter, name: str) -> str:
    """Return the name of a device that works; ``auto`` is a GPU if there is one, otherwise the CPU.

    Raises:
        click.BadParameter: If there is no such device on this machine.
    """
    import torch

    if name == 'auto':
        return 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        torch.zeros(1, device=name).item()  # the one test that knows every kind of device
    except (RuntimeError, AssertionError, ImportError) as error:
        raise click.BadParameter(f'{name} cannot be used: {str(error).splitlines()[0]}') from error
    return name


workers_option = click.option(
    '--workers',
    type=int,
    default=os.cpu_count() or 1,
    show_default=True,
    help='Number of processes that work in parallel; 0 works in this one.',
)
device_option = click.option(
    '--device',
    default='auto',
    show_default=True,
    callback=_pick_device,
    help='Device to compute on: cpu, cuda, cuda:1, ...; auto takes a GPU if there is one.',
)
AMP_TYPES = {'fp16': 'float16', 'bf16': 'bfloat16'}
amp_option = click.option(
    '--amp',
    type=click.Choice(list(AMP_TYPES)),
    is_flag=False,
    flag_value='fp16',
    metavar='[fp16|bf16]',
    help='Use automatic mixed precision, fp16 if no type is given.',
)
_RUN_OPTIONS = (
    config_argument,
    click.option(
        '--work-dir',
        help='Folder for logs and checkpoints.  [default: that of the config, or work_dirs/NAME_OF_THE_CONFIG]',
    ),
    click.option(
        '--seed', type=int, help='Seed of all random numbers.  [default: a random one, the same on all ranks]'
    ),
    click.option('--deterministic', is_flag=True, help='Use deterministic algorithms, at some cost in speed.'),
    click.option(
        '--channels-last', is_flag=True, help='Keep channels innermost in memory, as convolutions on a GPU like it.'
    ),
    click.option(
        '--workers',
        metavar='N|auto',
        help="Processes that load data, for each process of the run; auto shares this machine's cores evenly.",
    ),
    cfg_options_option,
    click.option(
        '--launcher',
        type=click.Choice(['none', 'pytorch', 'slurm', 'mpi']),
        default='none',
        help='Launcher that started the processes of this run.',
    ),
    click.option(
        '--verbose/--summary',
        help='Print the whole log as the log file has it, or a summary and a line for each epoch.  '
        '[default: --summary; the scripts in tools/: --verbose]',
    ),
    click.option('--local_rank', '--local-rank', type=int, default=0, hidden=True),
)


def add_options(*options: Decorator) -> Decorator:
    """Return one decorator that adds all these arguments and options, in this order."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument and the options that training and evaluation have in common."""
    return add_options(*_RUN_OPTIONS)(function)


def optional_checkpoint(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the path, address or name of a checkpoint, or None for ``none``: random weights."""
    return None if value == 'none' else value


def _message(error: Exception) -> str:
    """Return the message of an error; that of the system names its number and the file last."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f'{error.filename}: {error.strerror}'
    return str(error) or type(error).__name__


@contextmanager
def usage_errors() -> Iterator[None]:
    """End the command with one line where a value of the command line is wrong, as if the command had checked it."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise click.UsageError(_message(error)) from error


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the command with one line, and no traceback, where a file, a value or a package is wrong."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise click.ClickException(_message(error)) from error
    except KeyboardInterrupt:
        sys.exit(130)


def source_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a source; the command gets ``connect``, which opens one (see ``stoppable_source``)."""

    @click.option(
        '--timeout',
        type=FiniteRange(0.1),
        default=10.0,
        show_default=True,
        help='Seconds that a network address may stay silent.',
    )
    @click.option(
        '--reconnects',
        type=click.IntRange(0),
        default=5,
        show_default=True,
        help='Times in a row to reconnect to a network address or a camera.',
    )
    @wraps(function)
    def command(*args: Any, timeout: float, reconnects: int, **kwargs: Any) -> Any:
        from mmvidext.apis.frame_sources import open_source

        return function(*args, connect=partial(open_source, timeout=timeout, reconnects=reconnects), **kwargs)

    return command


@contextmanager
def stoppable_source(source: str, connect: Callable[..., 'Source']) -> Iterator[tuple['Source', StopSignals]]:
    """Open a source whose frames end when Ctrl-C, SIGTERM or SIGHUP comes."""
    with StopSignals() as stop:
        opened = connect(source, wait=stop.wait)
        yield opened._replace(frames=stop.until_stopped(opened.frames)), stop
