"""Something-Something V1 and V2."""

from collections.abc import Sequence
from typing import Any

from mmvidext.datasets.flip_labels import check_flip
from mmvidext.datasets.frame_list import FrameListDataset
from mmvidext.datasets.list_dataset import ListDataset
from mmvidext.datasets.video_list import VideoListDataset
from mmvidext.registry import DATASETS

__all__ = ['SthV1Dataset', 'SthV2Dataset']


class _SomethingSomething(ListDataset):
    """What both versions have in common: 174 classes, some of which say left or right."""

    default_hint: str

    def __init__(
        self,
        ann_file: str,
        pipeline: Sequence[Any],
        *,
        num_classes: int = 174,
        test_mode: bool = False,
        hint: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not test_mode:
            check_flip(pipeline)
        hint = self.default_hint if hint is None else hint
        super().__init__(ann_file, pipeline, num_classes=num_classes, test_mode=test_mode, hint=hint, **kwargs)


@DATASETS.register_module()
class SthV1Dataset(_SomethingSomething, FrameListDataset):
    """Something-Something V1, the frames as they are downloaded; V2 too, once its frames are extracted.

    Some of its classes say left or right, so a training pipeline that flips the pictures must change the labels, too.
    The arguments are those of :class:`~mmvidext.datasets.frame_list.FrameListDataset`.

    Raises:
        ValueError: If the training pipeline flips pictures but not labels.
    """

    default_hint = (
        'Lists have "<folder> <number of frames> <label>" lines, as those of the official code of TSM; see docs/data.md'
    )


@DATASETS.register_module()
class SthV2Dataset(_SomethingSomething, VideoListDataset):
    """Something-Something V2 with the lists that ``tools/data/prepare_sthv2.py`` or mmaction2's own script writes.

    Some of its classes say left or right, so a training pipeline that flips the pictures must change the labels, too.
    The arguments are those of :class:`~mmvidext.datasets.video_list.VideoListDataset`.

    Raises:
        ValueError: If the training pipeline flips pictures but not labels.
    """

    default_hint = (
        'Download Something-Something V2, then make the lists with: python tools/data/prepare_sthv2.py '
        'FOLDER_OF_THE_DOWNLOAD'
    )
