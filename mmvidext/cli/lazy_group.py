"""A group of commands that imports a command when it is called: what it needs may be slow, or not installed."""

import importlib
from collections.abc import Mapping
from typing import Any

import click

from mmvidext.cli.config_names import nearest
from mmvidext.cli.stop_signals import exit_on_interrupt

__all__ = ['HELP_NAMES', 'LazyGroup']

HELP_NAMES = ['-h', '--help']


class LazyGroup(click.Group):
    """A group whose commands live in modules of a package, each in that of its name.

    Args:
        package: The package.
        summaries: What each command does, in one line. Command ``check-flow`` is ``check_flow`` in the module
            ``check_flow``.
        **kwargs: The arguments of :class:`click.Group`.
    """

    def __init__(self, *args: Any, package: str, summaries: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context_settings.setdefault('help_option_names', HELP_NAMES)  # those of the commands, too
        self.package = package
        self.summaries = dict(summaries)

    def invoke(self, ctx: click.Context) -> Any:
        """Import and run the command that is called; Ctrl-C ends it with 130 from its first line on."""
        with exit_on_interrupt():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Raises:
            click.ClickException: If something that it needs is not installed.
        """
        if cmd_name not in self.summaries:
            return None
        name = cmd_name.replace('-', '_')
        try:
            return getattr(importlib.import_module(f'{self.package}.{name}'), name)
        except ImportError as error:
            raise click.ClickException(
                f"{cmd_name} needs what is not installed: {error}; pip install 'mmvidext[openmmlab]' installs it"
            ) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; the error names the most similar one, too."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := nearest(args[0], self.summaries):
                raise click.UsageError(f'{error.message.removesuffix(".")}{near}', ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries, without an import of the commands."""
        with formatter.section('Commands'):
            formatter.write_dl(list(self.summaries.items()))
