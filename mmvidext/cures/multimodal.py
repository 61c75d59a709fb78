"""mmaction2 imports its multimodal models wherever ``transformers`` is installed, whatever that version still offers.

VindLU takes functions from ``transformers.modeling_utils`` that later versions have elsewhere, and ``timm``.
Where either is gone, ``import mmaction.models`` fails, for every model. With the cure these models are registered as
they are without ``transformers``: as names whose use is an error that says what to install.
"""

import importlib.util
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from mmvidext.cures.loaders import LoaderSwap
from mmvidext.cures.missing_modules import is_missing

__all__ = ['leave_out_multimodal', 'multimodal_does_not_import']

_MODULE = 'mmaction.models.multimodal'


class _LoaderWithoutTransformers(SourceFileLoader):
    """Runs one ``__init__.py`` as if ``transformers`` were not installed."""

    def exec_module(self, module: ModuleType) -> None:
        vars(import_module('mmaction.utils.dependency'))['WITH_MULTIMODAL'] = False
        super().exec_module(module)


def multimodal_does_not_import() -> bool:
    """Whether ``transformers`` is installed, but not all that mmaction2 then imports; imports nothing."""
    transformers = importlib.util.find_spec('transformers')
    if transformers is None or importlib.util.find_spec('mmaction') is None:
        return False
    if importlib.util.find_spec('timm') is None or is_missing('timm.models.layers'):
        return True
    sources = [Path(folder, 'modeling_utils.py') for folder in transformers.submodule_search_locations or ()]
    return not any('apply_chunking_to_forward' in source.read_text('utf-8') for source in sources if source.is_file())


def leave_out_multimodal() -> None:
    """Let ``mmaction.models`` be imported without its multimodal models."""
    sys.meta_path.insert(0, LoaderSwap([_MODULE], _LoaderWithoutTransformers))
