"""Something-Something V2, read from video files."""

from collections.abc import Sequence
from typing import Any

from mmvidext.datasets.flip_labels import check_flip
from mmvidext.datasets.video_list import VideoListDataset
from mmvidext.registry import DATASETS

__all__ = ['NUM_CLASSES', 'PREPARE_HINT', 'SthV2Dataset']

NUM_CLASSES = 174  # of V1 and V2
PREPARE_HINT = (
    'Download Something-Something V2, then make the lists with: python tools/data/prepare_sthv2.py '
    'FOLDER_OF_THE_DOWNLOAD'
)


@DATASETS.register_module()
class SthV2Dataset(VideoListDataset):
    """Something-Something V2 with the lists that ``tools/data/prepare_sthv2.py`` or mmaction2's own script writes.

    Some of its classes say left or right, so a training pipeline that flips the pictures must change the labels, too.

    Args:
        ann_file: The list.
        pipeline: Transforms.
        num_classes: Labels must be below it.
        test_mode: Whether this is for validation or test.
        hint: How to make the list and the folder; ends the message when one is missing.
        **kwargs: See :class:`~mmvidext.datasets.list_dataset.ListDataset`.

    Raises:
        ValueError: If the training pipeline flips pictures but not labels.
    """

    def __init__(
        self,
        ann_file: str,
        pipeline: Sequence[Any],
        *,
        num_classes: int = NUM_CLASSES,
        test_mode: bool = False,
        hint: str = PREPARE_HINT,
        **kwargs: Any,
    ) -> None:
        if not test_mode:
            check_flip(pipeline)
        super().__init__(ann_file, pipeline, num_classes=num_classes, test_mode=test_mode, hint=hint, **kwargs)
