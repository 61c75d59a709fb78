"""The part of a config's test pipeline that a stream of frames goes through."""

from collections.abc import Iterable
from typing import Any

from mmcv.transforms import TestTimeAug
from mmengine.config import Config

from mmvidext.apis.wrapped_datasets import inner_datasets
from mmvidext.datasets.transforms import ClipTransform
from mmvidext.registry import TRANSFORMS

__all__ = ['frame_transforms', 'innermost_dataset', 'test_dataset']

# what finds, loads or packs, by the names that all toolboxes use: a stream brings its frames itself, without labels
_NOT_FOR_FRAMES = ('Load', 'Pack', 'Sample')


def innermost_dataset(config: Config, loader: str) -> dict[str, Any]:
    """Return the config of the data set of a loader, without wrappers; an empty one if there is none.

    Args:
        config: Of a run.
        loader: ``train_dataloader``, ``val_dataloader`` or ``test_dataloader``.

    Raises:
        ValueError: If data sets that are concatenated have different pipelines.
    """
    dataset = (config.get(loader) or {}).get('dataset') or {}
    while inner := inner_datasets(dataset):
        if any(other.get('pipeline') != inner[0].get('pipeline') for other in inner):
            raise ValueError(
                f'the data sets of {loader} have different pipelines, so it is not known which one to take: '
                f'give them one pipeline, or {loader} one data set'
            )
        dataset = inner[0]
    return dataset


def test_dataset(config: Config) -> dict[str, Any]:
    """Return the config of the data set that a model is tested on, see :func:`innermost_dataset`."""
    return innermost_dataset(config, 'test_dataloader')


def frame_transforms(config: Config) -> list[ClipTransform]:
    """Return the steps of the test pipeline that change a frame, whether they are made for clips or for images.

    The pipeline is that of the test data set, else ``test_pipeline``; without either, frames are left as they are.

    Raises:
        ValueError: If the pipeline augments at test time: a stream has one result for a frame.
    """
    steps: Iterable[dict[str, Any]] = test_dataset(config).get('pipeline') or config.get('test_pipeline') or ()
    transforms = []
    for step in steps:
        transform = TRANSFORMS.build(step)
        if isinstance(transform, TestTimeAug):
            raise ValueError('the test pipeline has TestTimeAug, which a stream of frames cannot use: leave it out')
        if isinstance(transform, ClipTransform):
            transforms.append(transform)
        elif not type(transform).__name__.startswith(_NOT_FOR_FRAMES):
            transforms.append(ClipTransform([transform]))
    return transforms
