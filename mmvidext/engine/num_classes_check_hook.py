"""Stop a run whose head and data set do not agree on the number of classes."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch.nn import ModuleList

from mmvidext.engine.run_error import RunError
from mmvidext.engine.run_parts import unwrap_model
from mmvidext.registry import HOOKS

__all__ = ['NumClassesCheckHook']

_WRAPPED = ('datasets', 'dataset')  # of ConcatDataset, and of RepeatDataset and ClassBalancedDataset


@HOOKS.register_module()
class NumClassesCheckHook(Hook):
    """Check before the first iteration that ``num_classes`` of the head is that of each data set in use.

    Without it a wrong number is an error of the loss (on a GPU one that ends the process), or an accuracy of 0. A data
    set that does not state its number is checked by its labels. All heads of a cascade are looked at, and those
    auxiliary heads of mmseg that learn the labels as they are (one of STDC learns borders); heads without
    ``num_classes`` are not.
    """

    def before_run(self, runner: Runner) -> None:
        """Compare the head with the data of each loop that this run has.

        Raises:
            RunError: If a number differs.
        """
        heads = [head for head in _heads(unwrap_model(runner.model)) if isinstance(head[1], int)]
        for split in ('train', 'val', 'test'):
            loop = getattr(runner, f'_{split}_loop', None)
            for dataset in _datasets(loop.dataloader.dataset) if isinstance(loop, BaseLoop) else ():
                for name, number in heads:
                    _check(dataset, split, name, number)


def _heads(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield the heads that should know all classes: a name for messages, and ``num_classes`` or None."""
    model = next((getattr(model, name) for name in ('segmentor', 'detector') if hasattr(model, name)), model)
    for name in ('cls_head', 'decode_head', 'bbox_head', 'roi_head', 'auxiliary_head'):
        head = getattr(model, name, None)
        stages = getattr(head, 'bbox_head', head)  # of a cascade
        for stage in stages if isinstance(stages, Sequence | ModuleList) else [stages]:
            if name != 'auxiliary_head':
                yield 'the head', getattr(stage, 'num_classes', None)
            elif _learns_labels(stage):
                yield 'the auxiliary head', getattr(stage, 'num_classes', None)


def _learns_labels(head: Any) -> bool:
    """Whether the loss of an auxiliary head is that of mmseg's base class, and not one with a target of its own."""
    kinds: list[Any] = [kind for kind in type(head).__mro__ if hasattr(kind, 'loss_by_feat')]
    base = next((kind for kind in kinds if kind.__name__ == 'BaseDecodeHead'), None)
    return base is not None and kinds[0].loss_by_feat is base.loss_by_feat


def _datasets(dataset: Any) -> Iterator[Any]:
    """Yield the data sets inside wrappers."""
    inner = next((getattr(dataset, name) for name in _WRAPPED if hasattr(dataset, name)), None)
    if inner is None:
        yield dataset
    else:
        for part in inner if isinstance(inner, list | tuple) else [inner]:
            yield from _datasets(part)


def _check(dataset: Any, split: str, where: str, head: int) -> None:
    name = f'the {split} data set ({type(dataset).__name__}, {getattr(dataset, "ann_file", "") or "no list"})'
    stated = getattr(dataset, 'num_classes', None)
    if stated is None:
        stated = len(getattr(dataset, 'metainfo', {}).get('classes') or ()) or None
    if stated is not None and stated != head:
        raise RunError(
            f'{name} has num_classes={stated}, but {where} of the model has num_classes={head}: give both the same'
        )
    if stated is None and (largest := _largest_label(dataset)) >= head:
        raise RunError(
            f'{name} has the label {largest}, but {where} of the model has num_classes={head}: correct the list or the '
            'head, and set num_classes of the data set'
        )


def _largest_label(dataset: Any) -> int:
    if not hasattr(dataset, 'get_data_info'):
        return -1
    labels = (dataset.get_data_info(index).get('label', -1) for index in range(len(dataset)))
    return max((int(number) for label in labels for number in np.atleast_1d(label)), default=-1)
