"""Call a command as from a shell, in this process."""

from click.testing import CliRunner


def invoke(command, *arguments, status=0):
    """Return what a command prints, after a check of its exit status."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exit_code == status if status is not None else result.exit_code != 0, result.output
    return result.output
