"""Something-Something V1 (or V2), read from folders of frames."""

from collections.abc import Sequence
from typing import Any

from mmvidext.datasets.flip_labels import check_flip
from mmvidext.datasets.frame_list import FrameListDataset
from mmvidext.datasets.sthv2_dataset import NUM_CLASSES
from mmvidext.registry import DATASETS

__all__ = ['SthV1Dataset']

_HINT = 'Lists have "<folder> <number of frames> <label>" lines, as those of the official code of TSM; see docs/data.md'


@DATASETS.register_module()
class SthV1Dataset(FrameListDataset):
    """Something-Something V1, the frames as they are downloaded.

    Some of its classes say left or right, so a training pipeline that flips the pictures must change the labels, too.

    Args:
        ann_file: The list.
        pipeline: Transforms.
        num_classes: Labels must be below it.
        test_mode: Whether this is for validation or test.
        hint: How to make the list and the folder; ends the message when one is missing.
        **kwargs: See :class:`~mmvidext.datasets.frame_list.FrameListDataset`.

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
        hint: str = _HINT,
        **kwargs: Any,
    ) -> None:
        if not test_mode:
            check_flip(pipeline)
        super().__init__(ann_file, pipeline, num_classes=num_classes, test_mode=test_mode, hint=hint, **kwargs)
