"""Where the configs are, and how they are read."""

import functools
import re
from pathlib import Path

from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
PAPER = sorted(CONFIGS.glob('*.py'))
DEMO = sorted((CONFIGS / 'demo').glob('*.py'))
BASES = sorted((CONFIGS / '_base_').rglob('*.py'))


def name(path):
    return str(path.relative_to(CONFIGS).with_suffix(''))


@functools.cache
def load(path):
    """Read a config once; a test must not change it."""
    return Config.fromfile(CONFIGS / path)


def chain(path):
    """Return a config's file and all files of ours that it inherits."""
    found = [path]
    for base in re.findall(r"'(\.\.?/[^']+\.py)'", path.read_text()):
        found += chain((path.parent / base).resolve())
    return found


def assigned(path, variable):
    """Whether the file assigns the variable at its top level."""
    return re.search(rf'^{variable} = ', path.read_text(), re.MULTILINE) is not None
