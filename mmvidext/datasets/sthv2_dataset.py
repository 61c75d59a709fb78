"""Something-Something V2, read from video files."""

import os.path
from collections.abc import Sequence
from typing import Any

from mmaction.datasets import VideoDataset

from mmvidext.datasets.annotation_lines import read_annotation
from mmvidext.datasets.bad_video import BadVideoPolicy
from mmvidext.datasets.flip_labels import check_flip
from mmvidext.registry import DATASETS

__all__ = ['SthV2Dataset']

PREPARE_HINT = '. Make it with: python tools/data/prepare_sthv2.py FOLDER_OF_THE_DOWNLOAD'


@DATASETS.register_module()
class SthV2Dataset(BadVideoPolicy, VideoDataset):
    """mmaction2's ``VideoDataset`` with everything checked that can silently go wrong.

    Reads lists of ``<path> <label>`` lines, as ``tools/data/prepare_sthv2.py`` and mmaction2's own script write them.
    Any other data set in that form can be read with it too.

    Args:
        ann_file: The list.
        pipeline: Transforms.
        data_prefix: ``video`` is the folder that the paths are relative to.
        num_classes: Labels must be below it.
        test_mode: Whether this is for validation or test: bad videos are errors, and labels may be left out.
        delimiter: What separates path and label.
        **kwargs: ``max_bad_videos`` and ``replacement_seed`` of
            :class:`~mmvidext.datasets.bad_video.BadVideoPolicy`, and what mmaction2's ``VideoDataset`` takes.

    Raises:
        FileNotFoundError: If the list or the folder does not exist.
        ValueError: If a line is wrong (the message has ``file:line``); if ``multi_class`` is asked for; if the training
            pipeline flips pictures but not labels.
    """

    def __init__(
        self,
        ann_file: str,
        pipeline: Sequence[Any],
        *,
        data_prefix: dict[str, str] | None = None,
        num_classes: int = 174,
        test_mode: bool = False,
        delimiter: str = ' ',
        **kwargs: Any,
    ) -> None:
        check_options(pipeline, test_mode=test_mode, multi_class=kwargs.get('multi_class', False))
        super().__init__(
            ann_file,
            pipeline=pipeline,
            data_prefix=dict(video='') if data_prefix is None else data_prefix,
            num_classes=num_classes,
            test_mode=test_mode,
            delimiter=delimiter,
            **kwargs,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the list, see mmaction2's ``VideoDataset``."""
        lines = read_annotation(
            self.ann_file,
            num_classes=self.num_classes,
            label_optional=self.test_mode,
            delimiter=self.delimiter,
            hint=PREPARE_HINT,
        )
        folder = find_folder(self.data_prefix, 'video')
        return [dict(filename=os.path.join(folder, line.path), label=line.numbers[-1]) for line in lines]


def check_options(pipeline: Sequence[Any], *, test_mode: bool, multi_class: bool) -> None:
    """Raise ValueError for several labels per clip, or for a training pipeline that flips pictures but not labels."""
    if multi_class:
        raise ValueError('every clip of this data set has exactly one label: multi_class must be False')
    if not test_mode:
        check_flip(pipeline)


def find_folder(data_prefix: dict[str, str], key: str) -> str:
    """Return the folder that ``data_prefix`` gives for ``key``.

    Raises:
        ValueError: If it gives none.
        FileNotFoundError: If a local folder does not exist; an address of another kind is not looked at.
    """
    if key not in data_prefix:
        raise ValueError(f'data_prefix must name the folder as dict({key}=...), but is {data_prefix}')
    folder = data_prefix[key]
    if folder and '://' not in folder and not os.path.isdir(folder):
        raise FileNotFoundError(
            f'there is no folder {folder} (data_prefix of the dataset). Download Something-Something V2, then: '
            'python tools/data/prepare_sthv2.py FOLDER_OF_THE_DOWNLOAD'
        )
    return folder
