"""What data sets of annotation lists share."""

import os.path
from collections.abc import Sequence
from typing import Any

import torch
from mmaction.datasets import BaseActionDataset

from mmvidext.datasets.annotation_lines import AnnotationLine, read_annotation, read_lines
from mmvidext.datasets.flip_labels import with_checked_flips
from mmvidext.datasets.media.files import is_local
from mmvidext.datasets.media.policy import BadFilePolicy

__all__ = ['ListDataset']

_CLASSES_HINT = (
    'It names the classes, one a line, as metainfo.classes of the config says. If the data was moved, run '
    'mmvidext data folder again: the config that it writes says where the data lies'
)


class ListDataset(BadFilePolicy, BaseActionDataset):
    """Base of :class:`~mmvidext.datasets.video_list.VideoListDataset` and its sibling for frames.

    Args:
        ann_file: The list: one video per line, first its path.
        pipeline: Transforms.
        data_prefix: Names the folder that the paths are relative to, under the key ``prefix_key``. Without a folder
            they are taken as they are.
        num_classes: Labels must be below it; None does not check.
        multi_class: Lines have one or more labels, and a sample's ``label`` is the list of them. Needs ``num_classes``.
        with_labels: Whether the lines have labels; False is for a test split whose labels are not published.
        test_mode: Whether this is for validation or test: bad videos are errors.
        delimiter: What separates the fields; the space stands for spaces and tabs.
        allow_outside: Accept paths that lead out of the folder, such as ``../1.mp4`` or ``/videos/1.mp4``.
        hint: How to make the list and the folder; ends the message when one is missing.
        metainfo: ``dict(classes=...)``, the names of the classes or a file with one a line. They are saved in the
            checkpoints, and come with every prediction.
        **kwargs: The limits of :class:`~mmvidext.datasets.media.policy.BadFilePolicy`, and what mmaction2's
            ``BaseActionDataset`` takes.

    Raises:
        FileNotFoundError: If the list or the folder does not exist.
        ValueError: If a line is wrong (the message has ``file:line``), ``data_prefix`` or ``num_classes`` is missing,
            there are not as many names as classes, or a ``flip_label_map`` of the pipeline is not one of these
            classes, see :func:`~mmvidext.datasets.flip_labels.with_checked_flips`.
    """

    prefix_key: str
    columns: tuple[str, ...] = ()  # of whole numbers, between path and label

    def __init__(
        self,
        ann_file: str,
        pipeline: Sequence[Any],
        *,
        data_prefix: dict[str, str] | None = None,
        num_classes: int | None = None,
        multi_class: bool = False,
        with_labels: bool = True,
        test_mode: bool = False,
        delimiter: str = ' ',
        allow_outside: bool = False,
        hint: str = '',
        metainfo: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if multi_class and num_classes is None:
            raise ValueError('multi_class=True needs num_classes: the length of the vector of labels')
        if not with_labels and not test_mode:
            raise ValueError('with_labels=False needs test_mode=True: training needs labels')
        self.with_labels = with_labels
        self.delimiter = delimiter
        self.allow_outside = allow_outside
        self.hint = hint
        metainfo = self._with_class_names(metainfo, num_classes)
        super().__init__(
            ann_file,
            pipeline=with_checked_flips(pipeline, metainfo.get('classes'), num_classes),
            metainfo=metainfo,
            data_prefix={self.prefix_key: ''} if data_prefix is None else data_prefix,
            num_classes=num_classes,
            multi_class=multi_class,
            test_mode=test_mode,
            **kwargs,
        )

    def _with_class_names(self, metainfo: dict[str, Any] | None, num_classes: int | None) -> dict[str, Any]:
        """Read the names of the classes, if the data set has any."""
        metainfo = dict(metainfo or {})
        classes = metainfo.get('classes')
        if isinstance(classes, str):
            classes = [name for _, name in read_lines(classes, hint=_CLASSES_HINT)]
        if classes is not None:
            metainfo['classes'] = tuple(classes)
            if num_classes is not None and len(classes) != num_classes:
                raise ValueError(
                    f'metainfo names {len(classes)} classes, but num_classes of the data set is {num_classes}'
                )
        return metainfo

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the list, see mmengine's ``BaseDataset``."""
        folder = self._folder()
        lines = read_annotation(
            self.ann_file,
            columns=self.columns,
            labels='none' if not self.with_labels else 'many' if self.multi_class else 'one',
            num_classes=self.num_classes,
            delimiter=self.delimiter,
            allow_outside=self.allow_outside or not folder,
            hint=self.hint,
        )
        return [self._entry(os.path.join(folder, line.path), line) for line in lines]

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the labels of one video, for mmengine's ``ClassBalancedDataset``."""
        label = self.get_data_info(idx)['label']
        return torch.nonzero(label).flatten().tolist() if self.multi_class else [int(label)]

    def _labels(self, idx: int) -> list[int]:
        return self.get_cat_ids(idx)

    def _entry(self, path: str, line: AnnotationLine) -> dict[str, Any]:
        labels = list(line.labels)
        return {
            self.path_key: path,
            **dict(zip(self.columns, line.counts, strict=True)),
            'label': labels if self.multi_class else labels[0] if labels else -1,
        }

    def _folder(self) -> str:
        if self.prefix_key not in self.data_prefix:
            raise ValueError(
                f'data_prefix must name the folder as dict({self.prefix_key}=...), but is {self.data_prefix}'
            )
        folder: str = self.data_prefix[self.prefix_key] or ''
        if folder and is_local(folder) and not os.path.isdir(folder):
            raise FileNotFoundError(f'there is no folder {folder} (data_prefix of the dataset). {self.hint}'.rstrip())
        return folder
