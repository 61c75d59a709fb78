"""``mmvidext doctor``: report on this installation."""

import importlib.util
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from packaging.requirements import Requirement
from packaging.version import Version

import mmvidext
from mmvidext.compat import DEFECTS, apply_fixes
from mmvidext.mmcv_ext import OPS
from mmvidext.ops.backends import WITH_TORCHVISION, torchvision_problem

__all__ = ['doctor']

LINES = {
    'OpenMMLab': ('mmengine', ('mmcv', 'mmcv-lite'), 'mmsegmentation', 'mmdet'),
    'onedl': ('onedl-mmengine', ('onedl-mmcv',), 'onedl-mmsegmentation', 'onedl-mmdetection'),
}
REQUIRED = ('torch', 'numpy', 'click', 'av', 'importlib_metadata', 'ftfy', 'regex')
OPTIONAL = (
    'mmaction2',
    'torchvision',
    'opencv-python',
    'opencv-contrib-python',
    'decord',
    'spatial-correlation-sampler',
    'onnx',
    'onnxruntime',
)
TESTED = {'Python': '3.11', 'torch': '2.13.0'}
CONSTRAINTS = Path(mmvidext.__file__).parent / '.mim' / 'tools' / 'constraints.txt'


def tested_versions() -> dict[str, str]:
    """Return the versions that the test suite was last run with, on this version of Python if it takes others."""
    lines = [line for line in CONSTRAINTS.read_text().splitlines() if '==' in line and not line.startswith('#')]
    pins = dict[str, str]()
    for pin in map(Requirement, lines):
        if pin.marker is None or pin.marker.evaluate():
            (pins[pin.name],) = (one.version for one in pin.specifier)
    return {**pins, **TESTED}


def found(package: str) -> str | None:
    """Return the installed version of a distribution."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def judge(installed: str, tested: str | None) -> str:
    """Say in which direction a version differs from the one that was tested; nothing if it is the same."""
    if tested is None:
        return ''
    ours = Version(Version(installed).public)  # without +cpu
    release = ours.release[: len(Version(tested).release)]
    if ours == Version(tested) or (release == Version(tested).release and not ours.is_prerelease):
        return ''
    if ours > Version(tested):
        return 'newer than tested; nothing is known to fail'
    return 'older than tested'


def installed_lines() -> dict[str, list[str]]:
    """Return which packages of the two lines of the toolboxes are installed; a line without any is left out."""
    packages = {line: (engine, *mmcvs, *others) for line, (engine, mmcvs, *others) in LINES.items()}
    there = {line: [package for package in names if found(package)] for line, names in packages.items()}
    return {line: names for line, names in there.items() if names}


def report_versions() -> bool:
    """Print the line of the toolboxes and the versions; return whether everything required is there."""
    tested = tested_versions()
    lines = installed_lines()
    if len(lines) > 1:
        named = ' and '.join(f'{", ".join(names)} ({line})' for line, names in lines.items())
        raise click.ClickException(
            f'packages of both lines of the toolboxes are installed, {named}: their modules have the same names, so '
            "one writes over the other. Make a new environment with 'mmvidext[openmmlab]' or 'mmvidext[onedl]'"
        )
    (line,) = lines
    engine, mmcvs, mmseg, mmdet = LINES[line]
    mmcv = next((package for package in mmcvs if found(package)), mmcvs[-1])
    complete = True
    click.echo(f'line of the toolboxes: {line}\n')
    click.echo(f'{"package":30}{"found":20}tested with')
    python = platform.python_version()
    click.echo(f'{"Python":30}{python:20}{tested["Python"]:16}{judge(python, tested["Python"])}'.rstrip())
    required = (engine, mmcv, *REQUIRED)
    for package in (*required, mmseg, mmdet, *OPTIONAL):
        installed = found(package)
        missing = installed is None and package in required
        complete &= not missing
        judged = judge(installed, tested.get(package)) if installed else ''
        state = installed or ('MISSING' if missing else '-')
        click.echo(f'{package:30}{state:20}{tested.get(package, ""):16}{judged}'.rstrip())
    click.echo('(-: not installed, and not required)')
    return complete


def report_defects() -> None:
    """Print which defects of the stack were present, and fixed."""
    fixed = apply_fixes()
    click.echo('\ndefects of the stack')
    for defect in DEFECTS:
        click.echo(f'  {"fixed" if defect.name in fixed else "not present":13}{defect.symptom} ({defect.link})')


def report_backends() -> None:
    """Print correlation backends, decoders and devices."""
    import cv2
    import mmcv.ops  # noqa: F401 - whether it imports is part of the report
    import torch

    full_mmcv = importlib.util.find_spec('mmcv._ext') is not None and 'mmvidext' not in repr(
        sys.modules['mmcv._ext'].__spec__.loader  # type: ignore[union-attr]
    )
    backends = {
        'torch': True,
        'spatial_correlation_sampler': importlib.util.find_spec('spatial_correlation_sampler') is not None,
        'mmcv': full_mmcv and torch.cuda.is_available(),
    }
    decoders = {name: importlib.util.find_spec(name) is not None for name in ('av', 'decord', 'cv2')}
    for title, entries in (('correlation backends', backends), ('video decoders', decoders)):
        click.echo(f'\n{title}: ' + ', '.join(f'{name} {"yes" if there else "no"}' for name, there in entries.items()))
    click.echo(f'OpenCV that is imported: {cv2.__version__}')  # its packages share a folder: the last one wins
    report_detection_ops(full_mmcv)
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        click.echo(f'\nGPU: {", ".join(names)}')
    else:
        click.echo(f'\nGPU: none; CPU with {torch.get_num_threads()} threads')


def report_detection_ops(full_mmcv: bool) -> None:
    """Print who computes the ops that detectors need."""
    problem = torchvision_problem()
    torch_or_torchvision = f'plain torch ({problem})' if problem else f'torchvision {found("torchvision")}'
    click.echo(f'\nmmvidext.ops: {", ".join(WITH_TORCHVISION)} by {torch_or_torchvision}; all others by plain torch')
    if full_mmcv:
        click.echo('mmcv.ops: by mmcv itself')
    else:
        click.echo(f'mmcv.ops: {len(OPS)} compiled functions by mmvidext.ops; any other one raises when it is called')


def report_imports() -> None:
    """Import what configs name."""
    click.echo()
    for toolbox in ('mmaction', 'mmseg', 'mmdet'):
        module = f'{toolbox}.models'
        if importlib.util.find_spec(toolbox):
            importlib.import_module(module)
            click.echo(f'import {module}: works')
    importlib.import_module('mmvidext.models')
    click.echo('import mmvidext.models: works')


@click.command()
def doctor() -> None:
    """Report on this installation: versions, cured defects of the stack, what can compute and decode.

    Ends with status 1 if a required package is missing or the package cannot be imported.

    Example: mmvidext doctor
    """
    if not report_versions():
        extra = next(iter(installed_lines())).lower()
        raise click.ClickException(f"something required is MISSING: pip install 'mmvidext[{extra}]'")
    report_defects()
    report_backends()
    report_imports()
    click.echo('\nThis installation is complete.')
