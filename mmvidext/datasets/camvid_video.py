"""CamVid with the frames of its videos, labeled once a second."""

import re
from typing import Any, ClassVar

from mmvidext.datasets.snippets import Snippet
from mmvidext.datasets.video_seg_dataset import VideoSegDataset
from mmvidext.registry import DATASETS

__all__ = ['CamVidVideoDataset']

_STEM = re.compile(r'(?P<prefix>(?P<sequence>[^_]+)_f?)(?P<frame>\d+)$')


@DATASETS.register_module()
class CamVidVideoDataset(VideoSegDataset):
    """CamVid's 11 classes, with every frame of the videos extracted beside the labeled ones.

    ::

        frames/{sequence}/{name}.png    all frames, for example frames/0016E5/0016E5_05310.png
        labels/{split}/{name}.png       class numbers 0..10, 255 is ignored

    Args:
        data_prefix: ``img_path`` and ``seg_map_path`` of the split, relative to ``data_root``.
        **kwargs: See :class:`~mmvidext.datasets.video_seg_dataset.VideoSegDataset`.

    Raises:
        FileNotFoundError: If a folder, a labeled frame or a frame inside a snippet is missing.
        ValueError: If a label file's name has no sequence and frame number.
    """

    METAINFO: ClassVar[dict[str, Any]] = dict(
        classes=(
            'building',
            'tree',
            'sky',
            'car',
            'sign symbol',
            'road',
            'pedestrian',
            'fence',
            'column pole',
            'sidewalk',
            'bicyclist',
        ),
        palette=[
            [128, 0, 0],
            [128, 128, 0],
            [128, 128, 128],
            [64, 0, 128],
            [192, 128, 128],
            [128, 64, 128],
            [64, 64, 0],
            [64, 64, 128],
            [192, 192, 128],
            [0, 0, 192],
            [0, 128, 192],
        ],
    )

    def __init__(self, *, img_suffix: str = '.png', seg_map_suffix: str = '.png', **kwargs: Any) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def find_snippets(self) -> list[Snippet]:
        """Return one snippet for each label file."""
        return self.snippets_of_labels(_STEM, pattern='*', naming='<sequence>_<frame>')
