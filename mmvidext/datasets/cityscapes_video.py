"""Cityscapes with the 30-frame snippets around its labeled images."""

import re
from typing import Any

from mmseg.datasets import CityscapesDataset

from mmvidext.datasets.snippets import Snippet
from mmvidext.datasets.video_seg_dataset import VideoSegDataset
from mmvidext.registry import DATASETS

__all__ = ['CityscapesVideoDataset']

_STEM = re.compile(r'(?P<prefix>.+_\d+_)(?P<frame>\d+)$')


@DATASETS.register_module()
class CityscapesVideoDataset(VideoSegDataset):
    """``leftImg8bit_sequence`` with the fine labels of ``gtFine``.

    The labeled frame is the one that the label file names: usually the 20th of its snippet, but not always.

    ::

        leftImg8bit_sequence/{split}/{city}/{city}_{sequence:06d}_{frame:06d}_leftImg8bit.png
        gtFine/{split}/{city}/{city}_{sequence:06d}_{frame:06d}_gtFine_labelTrainIds.png

    Args:
        data_prefix: ``img_path`` and ``seg_map_path`` of the split, relative to ``data_root``.
        img_suffix: What follows the stem of an image.
        seg_map_suffix: What follows the stem of a label file.
        **kwargs: See :class:`~mmvidext.datasets.video_seg_dataset.VideoSegDataset`.

    Raises:
        FileNotFoundError: If a folder, a labeled frame or a frame inside a snippet is missing.
        ValueError: If a label file's name has no sequence and frame number.
    """

    METAINFO = CityscapesDataset.METAINFO

    def __init__(
        self,
        *,
        img_suffix: str = '_leftImg8bit.png',
        seg_map_suffix: str = '_gtFine_labelTrainIds.png',
        **kwargs: Any,
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def find_snippets(self) -> list[Snippet]:
        """Return one snippet for each label file."""
        return self.snippets_of_labels(_STEM, pattern='*/*', naming='<city>_<sequence>_<frame>')
