"""mmaction2 1.2.0, mmsegmentation 1.2.2 and mmdet 3.3.0 refuse mmcv 2.2 and newer, so none works beside ``onedl-mmcv``.

The refusal is an assertion in ``__init__.py`` of each, which asserts nothing else: that one file is compiled without
assertions, as ``python -O`` does.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import PackageNotFoundError, version
from types import CodeType, ModuleType

__all__ = ['lift_caps', 'mmcv_is_above_the_cap']

_CAPPED = ('mmaction', 'mmseg', 'mmdet')
_CAP = (2, 2)


class _LoaderWithoutAssertions(SourceFileLoader):
    """Compiles one module without its assertions, and leaves its cached bytecode alone."""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.get_data(self.path), self.path, 'exec', dont_inherit=True, optimize=1)


class _CapLifter(MetaPathFinder):
    """Finds the toolboxes as Python does, and loads their ``__init__.py`` without the assertion on mmcv's version."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path) if fullname in _CAPPED else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _LoaderWithoutAssertions(fullname, spec.loader.path)
        return spec


def mmcv_is_above_the_cap() -> bool:
    """Whether the toolboxes refuse the mmcv that is installed."""
    for package in ('onedl-mmcv', 'mmcv', 'mmcv-lite'):
        try:
            return tuple(int(number) for number in version(package).split('.')[:2]) >= _CAP
        except PackageNotFoundError:
            continue
    return False


def lift_caps() -> None:
    """Load the toolboxes without their assertion on the version of mmcv."""
    sys.meta_path.insert(0, _CapLifter())
