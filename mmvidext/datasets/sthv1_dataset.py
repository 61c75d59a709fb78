"""Something-Something V1 (or V2), read from folders of frames."""

import os.path
from collections.abc import Sequence
from typing import Any

from mmaction.datasets import RawframeDataset

from mmvidext.datasets.annotation_lines import read_annotation
from mmvidext.datasets.bad_video import BadVideoError, BadVideoPolicy
from mmvidext.datasets.sthv2_dataset import PREPARE_HINT, check_options, find_folder
from mmvidext.registry import DATASETS

__all__ = ['SthV1Dataset']


@DATASETS.register_module()
class SthV1Dataset(BadVideoPolicy, RawframeDataset):
    """mmaction2's ``RawframeDataset`` with the checks of :class:`~mmvidext.datasets.sthv2_dataset.SthV2Dataset`.

    Reads lists of ``<folder> <number of frames> <label>`` lines.

    Args:
        ann_file: The list.
        pipeline: Transforms.
        data_prefix: ``img`` is the folder that the paths are relative to.
        filename_tmpl: Name of a frame, given its number.
        num_classes: Labels must be below it.
        test_mode: Whether this is for validation or test: bad videos are errors, and labels may be left out.
        **kwargs: ``max_bad_videos`` and ``replacement_seed`` of
            :class:`~mmvidext.datasets.bad_video.BadVideoPolicy`, and what mmaction2's ``RawframeDataset`` takes.

    Raises:
        FileNotFoundError: If the list or the folder does not exist.
        ValueError: If a line is wrong (the message has ``file:line``); if ``multi_class`` or ``with_offset`` is asked
            for; if the training pipeline flips pictures but not labels.
    """

    path_key = 'frame_dir'

    def __init__(
        self,
        ann_file: str,
        pipeline: Sequence[Any],
        *,
        data_prefix: dict[str, str] | None = None,
        filename_tmpl: str = '{:05}.jpg',
        num_classes: int = 174,
        test_mode: bool = False,
        **kwargs: Any,
    ) -> None:
        check_options(pipeline, test_mode=test_mode, multi_class=kwargs.get('multi_class', False))
        if kwargs.get('with_offset'):
            raise ValueError('lists of this data set have no offsets: with_offset must be False')
        super().__init__(
            ann_file,
            pipeline=pipeline,
            data_prefix=dict(img='') if data_prefix is None else data_prefix,
            filename_tmpl=filename_tmpl,
            num_classes=num_classes,
            test_mode=test_mode,
            **kwargs,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the list, see mmaction2's ``RawframeDataset``."""
        lines = read_annotation(
            self.ann_file,
            columns=('total_frames', 'label'),
            num_classes=self.num_classes,
            label_optional=self.test_mode,
            hint=PREPARE_HINT,
        )
        folder = find_folder(self.data_prefix, 'img')
        return [
            dict(frame_dir=os.path.join(folder, line.path), total_frames=line.numbers[0], label=line.numbers[1])
            for line in lines
        ]

    def _check_files(self, results: dict[str, Any]) -> None:
        """The last frame tells whether the folder is there and holds what the list says."""
        last = results['start_index'] + results['total_frames'] - 1
        path = os.path.join(results['frame_dir'], self.filename_tmpl.format(last))
        if '://' not in path and not os.path.isfile(path):
            raise BadVideoError(
                f'{results["frame_dir"]} should hold {results["total_frames"]} frames, but there is no {path}'
            )
