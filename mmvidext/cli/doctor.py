"""``mmvidext doctor``: report on this installation."""

import importlib.util
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

import mmvidext
from mmvidext.compat import DEFECTS, apply_fixes
from mmvidext.mmcv_ext import OPS
from mmvidext.ops.backends import WITH_TORCHVISION, torchvision_problem

__all__ = ['doctor']

REQUIRED = ('torch', 'mmengine', 'numpy', 'click', 'av', 'importlib_metadata', 'ftfy', 'regex', 'setuptools')
OPTIONAL = (
    'mmaction2',
    'mmsegmentation',
    'mmdet',
    'torchvision',
    'opencv-python',
    'decord',
    'spatial-correlation-sampler',
    'onnx',
    'onnxruntime',
)
TOOLBOXES = {'mmaction2': 'mmaction.models', 'mmsegmentation': 'mmseg.models', 'mmdet': 'mmdet.models'}
TESTED = {'Python': '3.11', 'torch': '2.13.0'}
CONSTRAINTS = Path(mmvidext.__file__).parent / '.mim' / 'tools' / 'constraints.txt'


def tested_versions() -> dict[str, str]:
    """Return the versions that the test suite was last run with."""
    lines = [line.partition(';')[0].strip() for line in CONSTRAINTS.read_text().splitlines()]
    pins: dict[str, str] = {}
    for line in lines:
        name, pin, number = line.partition('==')
        if pin:
            pins.setdefault(name, number)
    return {**pins, **TESTED}


def found(package: str) -> str | None:
    """Return the installed version of a distribution."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def report_versions() -> bool:
    """Print the versions; return whether everything required is there."""
    tested = tested_versions()
    mmcv = 'mmcv' if found('mmcv') else 'mmcv-lite'
    complete = True
    click.echo(f'{"package":30}{"found":20}tested with')
    click.echo(f'{"Python":30}{platform.python_version():20}{tested["Python"]}')
    for package in (*REQUIRED, mmcv, *OPTIONAL):
        installed = found(package)
        missing = installed is None and package not in OPTIONAL
        complete &= not missing
        click.echo(f'{package:30}{installed or ("MISSING" if missing else "-"):20}{tested.get(package, "")}')
    return complete


def report_defects() -> None:
    """Print which defects of the stack were present, and fixed."""
    fixed = apply_fixes()
    click.echo('\ndefects of the stack')
    for defect in DEFECTS:
        click.echo(f'  {"fixed" if defect.name in fixed else "not present":13}{defect.symptom} ({defect.link})')


def report_backends() -> None:
    """Print correlation backends, decoders and devices."""
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
    for module, package in (
        ('mmaction.models', 'mmaction2'),
        ('mmseg.models', 'mmsegmentation'),
        ('mmdet.models', 'mmdet'),
    ):
        if found(package):
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
        raise click.ClickException("something required is MISSING: pip install 'mmvidext[openmmlab]'")
    report_defects()
    report_backends()
    report_imports()
