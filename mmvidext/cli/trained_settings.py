"""What the config beside a checkpoint tells of the training that it is from."""

import ast
from pathlib import Path

from mmengine.config import Config

__all__ = ['other_settings', 'trained_recipe']

_DECISIVE = ('model', 'test_pipeline')


def other_settings(cfg: Config, checkpoint: str | Path) -> list[str]:
    """Name the variables that the training had otherwise, if the model or the test pipeline differ.

    Training writes its config beside its checkpoints, ``--cfg-options`` included. It is read, not run: nobody named it.

    Args:
        cfg: The config of the evaluation, as it was loaded.
        checkpoint: A file; without a config of the same name beside it, nothing is compared.
    """
    written = Path(checkpoint).parent / Path(cfg.filename).name
    if not written.is_file() or written.samefile(cfg.filename):
        return []
    try:
        then = _assignments(written.read_text(encoding='utf-8'))
    except (SyntaxError, ValueError):  # no config of a training
        return []
    now = _assignments(cfg.pretty_text)
    if all(ast.dump(then[name]) == ast.dump(now[name]) for name in _DECISIVE if name in then and name in now):
        return []
    then.pop('work_dir', None)  # which the command sets
    constants = [name for name, value in then.items() if isinstance(value, ast.Constant) and name in now]
    values = {name: (ast.unparse(then[name]), ast.unparse(now[name])) for name in constants}
    return [f'{name}={before} (here {after})' for name, (before, after) in values.items() if before != after]


def trained_recipe(folder: Path, checkpoint: Path) -> str | None:
    """Return the recipe in a folder of data that a checkpoint was trained with: its config lies beside both.

    Args:
        folder: The folder; of anything else there is no recipe.
        checkpoint: A file.
    """
    if not folder.is_dir() or checkpoint.parent == folder:
        return None
    stems = [path.stem for path in folder.glob('*.py') if (checkpoint.parent / path.name).is_file()]
    return stems[0] if len(stems) == 1 else None


def _assignments(text: str) -> dict[str, ast.expr]:
    """Return what the variables of a config are set to, as it is written."""
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    return {target.id: node.value for node in nodes for target in node.targets if isinstance(target, ast.Name)}
