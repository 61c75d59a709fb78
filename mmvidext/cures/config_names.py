"""Configs by name, ``PACKAGE::NAME``: ours, and mmsegmentation's where its fork is installed.

mmengine finds a name only for the packages of a list of its own, only in a folder, and builds everything in a base in
that package's scope. An entry in the list is not enough for us: our configs lie flat, and most of what they name is a
toolbox's. So the functions of mmengine that resolve a name are wrapped, for our names alone: that of ``_base_`` and
those of ``mmengine.hub.get_config``.

The list names distributions. ``onedl-mmsegmentation`` is another one than its list says, so the entry becomes the
name of the module, which mmengine looks for next.
"""

import importlib.util
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ['configs_have_no_names', 'forks_have_no_names', 'name_forks', 'name_our_configs']

_OUR_CONFIGS = 'mmvidext::'


def configs_have_no_names() -> bool:
    """Whether mmengine does not know our configs."""
    from mmengine.config.utils import MODULE2PACKAGE

    return 'mmvidext' not in MODULE2PACKAGE


def name_our_configs() -> None:
    """Let ``_base_`` and ``mmengine.hub.get_config`` find our configs, which say their ``default_scope`` themselves."""
    from mmengine import utils
    from mmengine.config import Config
    from mmengine.config import utils as config_utils

    find_base, split_name = Config._get_cfg_path, config_utils._get_package_and_cfg_path
    find_package = utils.get_installed_path
    package = Path(__file__).parents[1]

    def find_our_base(name: str, filename: str) -> tuple[str, str | None]:
        if not name.startswith(_OUR_CONFIGS):
            return find_base(name, filename)
        return str(package / '.mim' / 'configs' / _our_file(name)), None

    def split_our_name(name: str) -> tuple[str, str]:
        return ('mmvidext', _our_file(name)) if name.startswith(_OUR_CONFIGS) else split_name(name)

    def find_our_package(name: str) -> str:  # pkg_resources looks for an editable installation in site-packages
        return str(package) if name == 'mmvidext' else find_package(name)

    Config._get_cfg_path = staticmethod(find_our_base)
    config_utils._get_package_and_cfg_path = split_our_name
    utils.get_installed_path = find_our_package
    if (hub := sys.modules.get('mmengine.hub.hub')) is not None:  # it took both when it was imported
        vars(hub).update(_get_package_and_cfg_path=split_our_name, get_installed_path=find_our_package)
    config_utils.MODULE2PACKAGE['mmvidext'] = 'mmvidext'


def _our_file(name: str) -> str:
    file = name.removeprefix(_OUR_CONFIGS)
    return file if Path(file).suffix else f'{file}.py'


def _renamed() -> list[str]:
    """Return the modules that are installed by another distribution than mmengine's list says."""
    from mmengine.config.utils import MODULE2PACKAGE

    found = []
    for module, package in MODULE2PACKAGE.items():
        try:
            version(package)
        except PackageNotFoundError:
            if module != package and importlib.util.find_spec(module) is not None:
                found.append(module)
    return found


def forks_have_no_names() -> bool:
    """Whether configs of a toolbox that is there cannot be found by name."""
    return bool(_renamed())


def name_forks() -> None:
    """Let mmengine find the configs of forks."""
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE.update({module: module for module in _renamed()})
