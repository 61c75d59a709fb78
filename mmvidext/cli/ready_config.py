"""A config for one's own data that is ready to train: a few lines that inherit from one of ours."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmvidext.cli.config_chain import check_place
from mmvidext.cli.config_names import ConfigError, find_config, nearest
from mmvidext.cli.written_config import MARK, WrittenConfig, check_own, first_line, write_config
from mmvidext.datasets.atomic_write import atomic_write_text
from mmvidext.datasets.own_data.class_folders import CLASS_FOLDERS
from mmvidext.datasets.own_data.preparation import CLASSES_FILE, PreparedVideos
from mmvidext.datasets.own_data.video_folders import PreparedFolders
from mmvidext.datasets.written_files import is_as_written, write_replaceable

__all__ = [
    'DEFAULT_MODELS',
    'base_of_model',
    'check_folders',
    'config_of_data',
    'flow_config',
    'has_class_folders',
    'model_names',
    'recognition_config',
    'segmentation_config',
]

DEFAULT_MODELS = {'recognition': 'ms_tsm_r18', 'segmentation': 'dff_pspnet_r18', 'flow': 'flownets'}
_RECIPE = '_small_data'
_HERE = '{{fileDirname}}'


def model_names(kind: str) -> list[str]:
    """Return the models that have a recipe for small data, those of one kind of task."""
    folder = find_config('mmvidext::' + DEFAULT_MODELS[kind] + _RECIPE).parent
    names = [path.stem.removesuffix(_RECIPE) for path in sorted(folder.glob(f'*{_RECIPE}.py'))]
    return [name for name in names if _kind(name) == kind]


def _kind(model: str) -> str:
    return {'dff': 'segmentation', 'pspnet': 'segmentation', 'flownets': 'flow', 'flownetc': 'flow'}.get(
        model.partition('_')[0], 'recognition'
    )


def base_of_model(model: str, kind: str) -> str:
    """Return the name of the config that a model's ready config inherits from.

    Raises:
        ConfigError: If the model has no recipe for small data; names those that have one.
    """
    known = model_names(kind)
    if model not in known:
        raise ConfigError(
            f'there is no recipe of {model} for small data, there are {", ".join(known)}{nearest(model, known)}'
        )
    return f'mmvidext::{model}{_RECIPE}.py'


def recognition_config(result: PreparedVideos, out: Path, model: str) -> WrittenConfig:
    """Write ``MODEL.py`` for videos and their lists, see :func:`~mmvidext.cli.written_config.write_config`.

    Raises:
        ConfigError: If the model is unknown.
    """
    counts = [sum(clip.clip.split == split for clip in result.clips) for split in result.splits]
    sizes = ', '.join(f'{count} {split}' for count, split in zip(counts, result.splits, strict=True))
    test = 'test' if 'test' in result.splits else 'val'
    lines = [
        *_head(f'folder, {result.listing.form}: {len(result.listing.classes)} classes, {sizes}', model, 'recognition'),
        *_places(result.listing.root, out),
        f'num_classes = {len(result.listing.classes)}',
        f"metainfo = dict(classes=f'{{lists}}/{CLASSES_FILE}')",
        'data = dict(data_prefix=dict(video=data_root), num_classes=num_classes, metainfo=metainfo'
        + (', allow_outside=True)' if result.leads_outside else ')'),
        '',
        'model = dict(cls_head=dict(num_classes=num_classes))',
        *_loaders(test),
        _work_dir(out, model),
    ]
    return write_config(out / f'{model}.py', lines)


def segmentation_config(
    result: PreparedFolders, root: Path, out: Path, model: str, classes: Sequence[str], label_map: Mapping[int, int]
) -> WrittenConfig:
    """Write ``MODEL.py`` for folders of frames and labels, see :func:`~mmvidext.cli.written_config.write_config`.

    Args:
        result: The videos.
        root: The folder of both.
        out: Where the lists are, and the config goes.
        model: Its name.
        classes: Names of the classes.
        label_map: Value in the label files to class; empty if the values are the classes.

    Raises:
        ConfigError: If the model is unknown, or a name of a class cannot be in a config.
    """
    for name in classes:
        _check_braces(name)
    image, label = result.all[0].suffixes
    lines = [
        *_head(f'segmentation: {len(classes)} classes, {_counts(result)}', model, 'segmentation'),
        *_places(root, out),
        f'num_classes = {len(classes)}',
        f'metainfo = dict(classes={list(classes)!r})',
        f'data = dict(data_root=data_root, metainfo=metainfo, img_suffix={image!r}, seg_map_suffix={label!r}'
        + (f', label_map={dict(label_map)!r})' if label_map else ')'),
        '',
        'heads = dict(decode_head=dict(num_classes=num_classes), auxiliary_head=dict(num_classes=num_classes))',
        'model = dict(segmentor=heads)',
        *_loaders(),
        _work_dir(out, model),
    ]
    return write_config(out / f'{model}.py', lines)


def flow_config(result: PreparedFolders, root: Path, out: Path, model: str) -> WrittenConfig:
    """Write ``MODEL.py`` for folders of frames and flow, see :func:`~mmvidext.cli.written_config.write_config`.

    Raises:
        ConfigError: If the model is unknown.
    """
    lines = [
        *_head(f'flow: {_counts(result)}', model, 'flow'),
        *_places(root, out),
        'data = dict(data_root=data_root)',
        '',
        *_loaders(),
        _work_dir(out, model),
    ]
    return write_config(out / f'{model}.py', lines)


def check_folders(root: Path, out: Path) -> None:
    """Check that a ready config in a folder can name that of the data.

    Args:
        root: The folder of the data.
        out: Where the lists are, and the config goes.

    Raises:
        ConfigError: If mmengine would read a part of a name as code.
    """
    _places(root, out)


def _places(root: Path, out: Path) -> list[str]:
    """Return the lines with the folders of the data and the lists.

    mmengine puts the folder of the config in the place of ``fileDirname``, so what lies together can be moved. Data
    that lies elsewhere keeps its absolute path.
    """
    root, out = root.resolve(), out.resolve()
    inside = root.is_relative_to(out) or out.is_relative_to(root)
    step = os.path.relpath(root, out).replace(os.sep, '/')
    folder = '/'.join([_HERE, step] if step != '.' else [_HERE]) if inside else str(root)
    lines = [f'data_root = {_quoted(folder)}', f'lists = {_quoted(_HERE)}']
    _check_braces(str(root))
    check_place(out / 'config.py', '\n'.join(lines))
    return lines


def _quoted(path: str) -> str:
    """Return a path as Python code, in double quotes: a single one in the place of ``fileDirname`` does no harm."""
    return json.dumps(path, ensure_ascii=False)


def _check_braces(name: str) -> None:
    """Refuse a name with braces, between which mmengine replaces text in a config."""
    if '{{' in name:
        raise ConfigError(f'a config cannot hold {{{{, which mmengine replaces, but there is {name!r}: rename it')


def _counts(result: PreparedFolders) -> str:
    return ', '.join(f'{len(videos)} {split}' for split, videos in result.videos.items())


def _loaders(test: str = 'val') -> list[str]:
    return [
        f"{name}_dataloader = dict(dataset=dict(**data, ann_file=f'{{lists}}/{split}.txt'))"
        for name, split in (('train', 'train'), ('val', 'val'), ('test', test))
    ]


def _head(what: str, model: str, kind: str) -> list[str]:
    return [
        f'{MARK} {what}.',
        '# Sizes, rate and duration are variables of the base, for example --cfg-options learning_rate=0.005',
        f'_base_ = {base_of_model(model, kind)!r}',
        '',
    ]


def _work_dir(out: Path, model: str) -> str:
    return f'work_dir = {f"work_dirs/{out.resolve().name}_{model}"!r}'


def has_class_folders(config: Path) -> bool:
    """Whether a config is a ready one for videos in a folder for each class, so that each of them is meant."""
    first = first_line(config)
    return first.startswith(MARK) and CLASS_FOLDERS in first


def config_of_data(folder: Path, model: str | None) -> Path:
    """Return the ready config in a folder that ``mmvidext data`` has written, for a model.

    If there is only one for another model, it is written for this one, with whatever was changed in it.

    Args:
        folder: The folder.
        model: Its name; None takes the only one there, or the usual one.

    Raises:
        ConfigError: If the folder holds no ready config, or one of the user's own with this name, or the model is
            unknown.
    """
    ready = [path for path in sorted(folder.glob('*.py')) if first_line(path).startswith(MARK)]
    if not ready:
        raise ConfigError(f'{folder} holds no config that mmvidext data wrote: run mmvidext data folder {folder} first')
    kind = _kind(ready[0].stem)
    usual = [path for path in ready if path.stem == DEFAULT_MODELS[kind]]
    path = next((path for path in ready if path.stem == model), (usual or ready)[0])
    if model in (None, path.stem):
        return path
    new = folder / f'{model}.py'
    check_own(new)
    text = path.read_text(encoding='utf-8')
    for name, line in (('_base_', f'_base_ = {base_of_model(model, kind)!r}'), ('work_dir', _work_dir(folder, model))):
        text, count = re.subn(rf'^{name} = .*$', lambda _: line, text, flags=re.MULTILINE)  # noqa: B023
        if count != 1:
            raise ConfigError(
                f'{path} has no line {name} = ... to write the config of {model} from: run mmvidext data again'
            )
    if is_as_written(path):
        write_replaceable(new, text)
    else:  # what was changed in it is of the user, in the copy too
        atomic_write_text(new, text)
    return new
