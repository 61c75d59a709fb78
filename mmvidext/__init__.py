"""Video models for the OpenMMLab 2.x toolboxes: name ``mmvidext`` in ``custom_imports`` and use it in any config.

Importing the package fixes the known defects of the stack it plugs into (:mod:`mmvidext.compat`) and nothing else:
models, data sets and hooks are imported when a registry is first searched.
"""

from importlib.util import find_spec

from mmvidext.version import __version__

if missing := [toolbox for toolbox in ('mmengine', 'mmcv') if find_spec(toolbox) is None]:
    raise ImportError(
        f"mmvidext needs {' and '.join(missing)}, not installed here: pip install 'mmvidext[openmmlab]', "
        "or 'mmvidext[onedl]' for the forks that are maintained"
    )

from mmvidext.compat import apply_fixes

apply_fixes()

__all__ = ['__version__']
