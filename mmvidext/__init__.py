"""Video models for the OpenMMLab 2.x toolboxes: name ``mmvidext`` in ``custom_imports`` and use it in any config.

Importing the package fixes the known defects of the stack it plugs into (:mod:`mmvidext.compat`) and nothing else:
models, data sets and hooks are imported when a registry is first searched.
"""

from importlib.util import find_spec

from mmvidext.version import __version__

if find_spec('mmcv') is None:
    raise ImportError("mmvidext needs mmcv, which is not installed: pip install 'mmvidext[openmmlab]'")

from mmvidext.compat import apply_fixes

apply_fixes()

__all__ = ['__version__']
