"""Stop a run whose head and data set do not agree on the number of classes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from mmvidext.engine.run_error import RunError
from mmvidext.engine.run_parts import unwrap_model
from mmvidext.registry import HOOKS

__all__ = ['NumClassesCheckHook']

_WRAPPED = ('datasets', 'dataset')  # of ConcatDataset, and of RepeatDataset and ClassBalancedDataset


@HOOKS.register_module()
class NumClassesCheckHook(Hook):
    """Check before the first iteration that ``num_classes`` of the head is that of each data set in use.

    Without it a wrong number is an error of the loss (on a GPU one that ends the process), or an accuracy of 0. A data
    set that does not state its number is checked by its labels. Heads without ``num_classes`` are not looked at.
    """

    def before_run(self, runner: Runner) -> None:
        """Compare the head with the data of each loop that this run has.

        Raises:
            RunError: If a number differs.
        """
        head = _num_classes_of_head(unwrap_model(runner.model))
        if head is None:
            return
        for split in ('train', 'val', 'test'):
            loop = getattr(runner, f'_{split}_loop', None)
            for dataset in _datasets(loop.dataloader.dataset) if isinstance(loop, BaseLoop) else ():
                _check(dataset, split, head)


def _num_classes_of_head(model: Any) -> int | None:
    model = next((getattr(model, name) for name in ('segmentor', 'detector') if hasattr(model, name)), model)
    heads = (getattr(model, name, None) for name in ('cls_head', 'decode_head', 'bbox_head', 'roi_head'))
    head = next((head for head in heads if head is not None), None)
    number = getattr(getattr(head, 'bbox_head', head), 'num_classes', None)
    return number if isinstance(number, int) else None


def _datasets(dataset: Any) -> Iterator[Any]:
    """Yield the data sets inside wrappers."""
    inner = next((getattr(dataset, name) for name in _WRAPPED if hasattr(dataset, name)), None)
    if inner is None:
        yield dataset
    else:
        for part in inner if isinstance(inner, list | tuple) else [inner]:
            yield from _datasets(part)


def _check(dataset: Any, split: str, head: int) -> None:
    name = f'the {split} data set ({type(dataset).__name__}, {getattr(dataset, "ann_file", "") or "no list"})'
    stated = getattr(dataset, 'num_classes', None)
    if stated is None:
        stated = len(getattr(dataset, 'metainfo', {}).get('classes') or ()) or None
    if stated is not None and stated != head:
        raise RunError(
            f'{name} has num_classes={stated}, but the head of the model has num_classes={head}: give both the same'
        )
    if stated is None and (largest := _largest_label(dataset)) >= head:
        raise RunError(
            f'{name} has the label {largest}, but the head of the model has num_classes={head}: correct the list or '
            'the head, and set num_classes of the data set'
        )


def _largest_label(dataset: Any) -> int:
    if not hasattr(dataset, 'get_data_info'):
        return -1
    labels = (dataset.get_data_info(index).get('label', -1) for index in range(len(dataset)))
    return max((int(number) for label in labels for number in np.atleast_1d(label)), default=-1)
