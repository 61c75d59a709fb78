"""mmaction2 1.2.0, mmsegmentation 1.2.2 and mmdet 3.3.0 refuse mmcv 2.2 and newer, so none works beside ``onedl-mmcv``.

The refusal is an assertion in ``__init__.py`` of each, which asserts nothing else: that one file is compiled without
assertions, as ``python -O`` does.
"""

import sys
from importlib.machinery import SourceFileLoader
from importlib.metadata import PackageNotFoundError, version
from types import CodeType

from mmvidext.cures.loaders import LoaderSwap

__all__ = ['lift_caps', 'mmcv_is_above_the_cap']

_CAPPED = ('mmaction', 'mmseg', 'mmdet')
_CAP = (2, 2)


class _LoaderWithoutAssertions(SourceFileLoader):
    """Compiles one module without its assertions, and leaves its cached bytecode alone."""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.get_data(self.path), self.path, 'exec', dont_inherit=True, optimize=1)


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
    sys.meta_path.insert(0, LoaderSwap(_CAPPED, _LoaderWithoutAssertions))
