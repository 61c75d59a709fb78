"""Call a command, or a script that leads to one, as from a shell, in this process."""

import runpy
import sys
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]


def invoke(command, *arguments, status=0):
    """Return what a command prints, after a check of its exit status."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exit_code == status if status is not None else result.exit_code != 0, result.output
    return result.output


def run_script(script, *arguments, status=0):
    """Run a script of ours as Python runs a program, after the imports, which take seconds; check its exit status."""
    with mock.patch.object(sys, 'argv', [script, *map(str, arguments)]), pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / script), run_name='__main__')
    assert (end.value.code or 0) == status
