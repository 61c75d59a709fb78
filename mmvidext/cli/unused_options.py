"""Options that have nothing to act on in a call: given, they are an error, as they would change nothing."""

import click
from click.core import ParameterSource

__all__ = ['refuse_unused']


def refuse_unused(reason: str, *names: str) -> None:
    """Refuse options of the command that runs, whatever their values.

    Args:
        reason: What the error says behind the option: ``'is for --adaptive: give both'``.
        *names: Names of the options in the command's function.

    Raises:
        click.UsageError: If one of them is on the command line.
    """
    ctx = click.get_current_context()
    for param in ctx.command.params:
        if param.name in names and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f'{param.opts[0]} {reason}')
