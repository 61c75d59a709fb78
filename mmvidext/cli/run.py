"""``mmvidext run``: a script that knows nothing of this package, in a stack whose defects are cured."""

import runpy
import sys
from pathlib import Path

import click

from mmvidext.cli.config_names import mim_folder, nearest

__all__ = ['find_script', 'run']


def find_script(name: str) -> Path:
    """Return the file of a script, given as a path or as ``PACKAGE::NAME``, one of the tools of an installed package.

    Args:
        name: ``mmaction::train`` is ``.mim/tools/train.py`` of that package, and ``mmseg::analysis_tools/get_flops``
            the one in that folder.

    Raises:
        click.UsageError: If there is none; names the most similar one.
    """
    if '::' not in name:
        if not Path(name).is_file():
            raise click.UsageError(f'there is no script {name}; tools of a package are named mmaction::train')
        return Path(name)
    package, _, tool = name.partition('::')
    root = mim_folder(package, 'tools')
    if root is None:
        raise click.UsageError(f'{name}: the package {package!r} is not installed')
    path = root / f'{tool.removesuffix(".py")}.py'
    if not path.is_file():
        known = [file.relative_to(root).as_posix().removesuffix('.py') for file in root.rglob('*.py')]
        raise click.UsageError(f'{package} has no tool {tool}{nearest(tool.removesuffix(".py"), known)} (in {root})')
    return path


@click.command(context_settings=dict(ignore_unknown_options=True, allow_interspersed_args=False))
@click.argument('script')
@click.argument('arguments', nargs=-1, type=click.UNPROCESSED, metavar='[ARGUMENTS]...')
def run(script: str, arguments: tuple[str, ...]) -> None:
    """Run a Python SCRIPT in this environment, with the defects of the stack cured, as python SCRIPT would run it.

    SCRIPT is a file, or a tool of an installed package: mmaction::train, mmaction::analysis_tools/get_flops,
    mmseg::test, mmdet::train. Everything behind it is its own. With torchrun: torchrun --no-python --nproc_per_node 8
    mmvidext run mmaction::train CONFIG --launcher pytorch.

    Example: mmvidext run mmaction::train videos/ms_tsm_r18.py --work-dir work_dirs/from_mmaction
    """
    path = find_script(script)
    before = sys.argv, sys.path.copy()
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.resolve().parent))  # as Python does
    try:
        runpy.run_path(str(path), run_name='__main__')
    finally:
        sys.argv, sys.path[:] = before
