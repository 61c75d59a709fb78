"""Load some modules of the stack from their own source files in another way."""

import sys
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType

__all__ = ['LoaderSwap']


class LoaderSwap(MetaPathFinder):
    """Finds modules as Python does, and loads those that are named with a loader of ours; for ``sys.meta_path``."""

    def __init__(self, modules: Collection[str], loader: type[SourceFileLoader]) -> None:
        self.modules, self.loader = modules, loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module that is named, or None."""
        if fullname not in self.modules:
            return None
        # every other finder, because that of an editable installation is not on sys.path
        others = [one for one in sys.meta_path if not isinstance(one, LoaderSwap) and hasattr(one, 'find_spec')]
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = self.loader(fullname, spec.loader.path)
        return spec
