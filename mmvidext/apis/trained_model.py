"""Find the config and the weights of a trained model by one name: its own, its work directory, or its config."""

from os.path import expanduser
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config
from torch import nn

from mmvidext.apis.wrapped_datasets import inner_datasets
from mmvidext.checkpoints.model_index import read_model_index
from mmvidext.checkpoints.read import saved_classes
from mmvidext.datasets.annotation_lines import read_lines
from mmvidext.engine.resume_point import find_resume_point

__all__ = ['TrainedModel', 'checkpoint_in', 'class_names', 'find_model']

_CHECKPOINTS = ('.pth', '.pt', '.tar', '.safetensors', '.pkl')


class TrainedModel(NamedTuple):
    """What a model is made of.

    Attributes:
        config: File, or name of a config of an installed package.
        checkpoint: File, address, or name of a model; None stands for random weights.
        options: What the published checkpoint of a name needs changed in the config, as ``--cfg-options`` takes it.
    """

    config: str
    checkpoint: str | None
    options: tuple[str, ...] = ()


def find_model(model: str | Path, checkpoint: str | Path | None = None) -> TrainedModel:
    """Find a model.

    A checkpoint does not say what to run: that would be a program in a file that one may have from anywhere. So its
    config is looked for beside it, where training writes it.

    Args:
        model: A name that ``mmvidext weights`` lists, a work directory (its best checkpoint is taken, or else its
            newest), a checkpoint with the config beside it, or a config.
        checkpoint: The weights, where ``model`` is a config; or other weights of a name or work directory.

    Raises:
        FileNotFoundError: If there is no such file, or no config or checkpoint in the directory.
        ValueError: If ``model`` is a checkpoint and a second one is given.
    """
    text = expanduser(model)
    path, given = Path(text), None if checkpoint is None else expanduser(checkpoint)
    if path.is_dir():
        return TrainedModel(str(_config_in(path)), given or str(checkpoint_in(path)))
    named = None if path.exists() else read_model_index().get(text)
    if named is not None:
        return TrainedModel(str(named.config), given or text, () if given else named.options)
    if path.suffix not in _CHECKPOINTS:
        return TrainedModel(text, given)
    if given is not None:
        raise ValueError(f'{text} is a checkpoint already: give a config or a work directory together with {given}')
    if '://' in text or not path.is_file():
        what = 'its config is unknown: give a config, and this as its weights' if '://' in text else 'no such file'
        raise FileNotFoundError(f'{text}: {"not a regular file" if path.exists() else what}')
    return TrainedModel(str(_config_in(path.parent)), text)


def _config_in(folder: Path) -> Path:
    configs = sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime)
    if not configs:
        raise FileNotFoundError(
            f'there is no config in {folder}, where training writes one: give a config, and the checkpoint as weights'
        )
    return configs[-1]


def checkpoint_in(folder: Path) -> Path:
    """Return the best checkpoint of a folder, or else the newest one that is whole.

    Raises:
        FileNotFoundError: If there is none.
    """
    files = (path for path in folder.glob('best_*') if path.suffix in _CHECKPOINTS)
    best = sorted(files, key=lambda path: path.stat().st_mtime)
    newest = best[-1] if best else find_resume_point(folder)
    if newest is None:
        raise FileNotFoundError(f'there is no whole checkpoint in {folder}: train first, or name one')
    return newest


def class_names(model: nn.Module, config: Config, num_classes: int) -> list[str]:
    """Return the names of a model's classes: those in its checkpoint, or else in its config, or else their numbers.

    Args:
        model: With the ``dataset_meta`` of its checkpoint.
        config: Its config.
        num_classes: How many there are.

    Raises:
        ValueError: If those in the checkpoint are no list of names.
    """
    names = [str(name) for name in saved_classes(getattr(model, 'dataset_meta', None)) or _in_config(config)]
    return names if len(names) == num_classes else [f'class {number}' for number in range(num_classes)]


def _in_config(config: Config) -> list[str]:
    for split in ('test', 'val', 'train'):
        dataset = (config.get(f'{split}_dataloader') or {}).get('dataset') or {}
        while 'metainfo' not in dataset and (inner := inner_datasets(dataset)):
            dataset = inner[0]
        classes = (dataset.get('metainfo') or {}).get('classes')
        if isinstance(classes, str) and Path(classes).is_file():
            return [name for _, name in read_lines(classes)]
        if classes and not isinstance(classes, str):
            return list(classes)
    return []
