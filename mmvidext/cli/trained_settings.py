"""What a checkpoint, and the config beside it, tell of the training that it is from."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.runner import Runner

from mmvidext.checkpoints.read import class_difference

__all__ = ['other_settings', 'trained_recipe', 'warn_of_other_classes']

_MOST = 8  # differences that are named
_LONGEST = 200  # characters of a value
_LISTS = (ast.List, ast.Tuple)
# of a model, what only its training reads
_FOR_TRAINING = (
    'blending',
    'dropout_ratio',
    'frozen_stages',
    'init_cfg',
    'init_std',
    'label_smooth_eps',
    'norm_eval',
    'partial_bn',
    'pretrained',
    'topk',
    'train_cfg',
    'with_cp',
)


class _Difference(NamedTuple):
    path: str
    then: ast.expr | None
    now: ast.expr | None


def other_settings(cfg: Config, checkpoint: str | Path) -> list[str]:
    """Name what the training had otherwise in the model, or in the pipeline of the test data.

    Training writes its config beside its checkpoints, ``--cfg-options`` included. It is read, not run: nobody named it.
    A variable is named in the place of what was set from it, where its two values tell.

    Args:
        cfg: The config of the evaluation, as it was loaded.
        checkpoint: A file; without a config of the same name beside it, nothing is compared.

    Returns:
        As ``--cfg-options`` takes it, and the value here: ``['crop_size=32 (here 48)']``.
    """
    written = Path(checkpoint).parent / Path(cfg.filename).name
    if not written.is_file() or written.samefile(cfg.filename):
        return []
    try:
        then, now = _assignments(written.read_text(encoding='utf-8')), _assignments(cfg.pretty_text)
        found = [
            _by_variable(difference, then, now)
            for name in ('model', 'test_dataloader')
            if name in then and name in now
            for difference in _differences(name, then[name], now[name])
            if _is_decisive(difference.path.split('.'))
        ]
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # no config of a training
        return []
    lines = list(dict.fromkeys(map(_line, found)))
    return lines if len(lines) <= _MOST else [*lines[:_MOST], f'{len(lines) - _MOST} more']


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


def warn_of_other_classes(runner: Runner, checkpoint: str, saved: Any) -> None:
    """Warn where a checkpoint was trained on other classes than those that it is evaluated on.

    Args:
        runner: Of the evaluation.
        checkpoint: Its name.
        saved: Its ``dataset_meta``.
    """
    difference = class_difference(saved, getattr(runner.test_loop.dataloader.dataset, 'metainfo', None))
    if difference:
        runner.logger.warning(
            f'{checkpoint} was trained on other classes than those of the test data: {difference}. If that is not only '
            'another spelling, the metrics are wrong: evaluate on a list with the numbers of the training'
        )


def _assignments(text: str) -> dict[str, ast.expr]:
    """Return what the variables of a config are set to, as it is written."""
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    return {target.id: node.value for node in nodes for target in node.targets if isinstance(target, ast.Name)}


def _differences(path: str, then: ast.expr, now: ast.expr) -> Iterator[_Difference]:
    """Go through dictionaries, and through lists of as many of them; anything else is a value."""
    parts, others = _parts(then), _parts(now)
    are_lists = isinstance(then, _LISTS), isinstance(now, _LISTS)
    if parts is None or others is None or len(set(are_lists)) > 1 or (all(are_lists) and len(parts) != len(others)):
        if ast.dump(_plain(then)) != ast.dump(_plain(now)):
            yield _Difference(path, then, now)
        return
    for key in (*parts, *(key for key in others if key not in parts)):
        one, other = parts.get(key), others.get(key)
        if one is None or other is None:
            yield _Difference(f'{path}.{key}', one, other)
        else:
            yield from _differences(f'{path}.{key}', one, other)


def _parts(node: ast.expr) -> dict[str, ast.expr] | None:
    """Return the items of a dictionary, or of a list that holds dictionaries; None of anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict' and not node.args:
        return {str(keyword.arg): keyword.value for keyword in node.keywords}
    if isinstance(node, ast.Dict):
        return {_text(key).strip("'"): value for key, value in zip(node.keys, node.values, strict=True)}
    if isinstance(node, _LISTS) and any(isinstance(item, (ast.Call, ast.Dict)) for item in node.elts):
        return {str(number): item for number, item in enumerate(node.elts)}
    return None


def _plain(node: ast.expr) -> ast.expr:
    """Return a list as a tuple: what reads a config makes no difference between them."""
    return ast.Tuple(node.elts, ast.Load()) if isinstance(node, ast.List) else node


def _is_decisive(path: list[str]) -> bool:
    """Whether what a path leads to decides the result of a test."""
    if path[0] == 'test_dataloader':
        return 'pipeline' in path
    return not any(key in _FOR_TRAINING or key.startswith('loss_') for key in path)


def _by_variable(difference: _Difference, then: dict[str, ast.expr], now: dict[str, ast.expr]) -> _Difference:
    """Return the variable whose values are those of a difference; a number is that of many things."""
    values = _text(difference.then), _text(difference.now)
    own = difference.path.rpartition('.')[2]
    for name in (name for name in then if name in now):
        is_telling = isinstance(difference.then, _LISTS) or name == own
        if is_telling and (_text(then[name]), _text(now[name])) == values:
            return difference._replace(path=name)
    return difference


def _text(node: ast.expr | None) -> str:
    return 'nothing' if node is None else ast.unparse(node)


def _line(difference: _Difference) -> str:
    added = '+' if difference.now is None else ''
    before, after = (
        text if len(text) <= _LONGEST else f'{text[:_LONGEST]}...'
        for text in map(_text, (difference.then, difference.now))
    )
    return f'{added}{difference.path}={before} (here {after})'
