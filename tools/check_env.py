"""Report on this installation: versions found and tested, defects cured, what is there to compute and to decode with.

python tools/check_env.py

Ends with status 1 if a required package is missing or the package cannot be imported.
"""

import importlib.util
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

REQUIRED = ('torch', 'mmengine', 'numpy', 'decord', 'importlib_metadata', 'ftfy', 'regex', 'setuptools')
OPTIONAL = ('mmaction2', 'mmsegmentation', 'opencv-python', 'spatial-correlation-sampler', 'onnx', 'onnxruntime')
TESTED_TORCH = '2.13.0'


def tested_versions() -> dict[str, str]:
    """Return the versions that the test suite was last run with."""
    lines = (ROOT / 'tools' / 'constraints.txt').read_text().splitlines()
    pins = dict(line.split('==') for line in lines if '==' in line)
    return {**pins, 'torch': TESTED_TORCH}


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
    print(f'{"package":30}{"found":20}tested with')
    print(f'{"Python":30}{platform.python_version():20}3.11')
    for package in (*REQUIRED, mmcv, *OPTIONAL):
        installed = found(package)
        missing = installed is None and package not in OPTIONAL
        complete &= not missing
        print(f'{package:30}{installed or ("MISSING" if missing else "-"):20}{tested.get(package, "")}')
    return complete


def report_defects() -> None:
    """Print which defects of the stack were present, and cured."""
    from mmvidext.compat import DEFECTS, apply_cures

    cured = apply_cures()
    print('\ndefects of the stack')
    for defect in DEFECTS:
        print(f'  {"cured" if defect.name in cured else "not present":13}{defect.symptom} ({defect.link})')


def report_backends() -> None:
    """Print correlation backends, decoders and devices."""
    import mmcv.ops  # noqa: F401 - whether it imports is part of the report
    import torch

    full_mmcv = importlib.util.find_spec('mmcv._ext') is not None and 'mmvidext' not in repr(
        sys.modules['mmcv._ext'].__spec__.loader
    )
    backends = {
        'torch': True,
        'spatial_correlation_sampler': importlib.util.find_spec('spatial_correlation_sampler') is not None,
        'mmcv': full_mmcv and torch.cuda.is_available(),
    }
    decoders = {name: importlib.util.find_spec(name) is not None for name in ('decord', 'cv2', 'av')}
    for title, entries in (('correlation backends', backends), ('video decoders', decoders)):
        print(f'\n{title}: ' + ', '.join(f'{name} {"yes" if there else "no"}' for name, there in entries.items()))
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        print(f'\nGPU: {", ".join(names)}')
    else:
        print(f'\nGPU: none; CPU with {torch.get_num_threads()} threads')


def report_imports() -> None:
    """Import what configs name."""
    print()
    for module, package in (('mmaction.models', 'mmaction2'), ('mmseg.models', 'mmsegmentation')):
        if found(package):
            importlib.import_module(module)
            print(f'import {module}: works')
    importlib.import_module('mmvidext.models')
    print('import mmvidext.models: works')


def main() -> None:
    complete = report_versions()
    if not complete:
        print("\nSomething required is MISSING: pip install -e '.[openmmlab]', or bash tools/setup_env.sh")
        sys.exit(1)
    report_defects()
    report_backends()
    report_imports()


if __name__ == '__main__':
    main()
