"""Boxes that know their tracks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.structures.bbox import BaseBoxes, HorizontalBoxes
from torch import Tensor

__all__ = ['TrackedBoxes']


class TrackedBoxes(HorizontalBoxes):
    """mmdet's ``HorizontalBoxes`` with the track of each box, which stays with it when a transform drops others.

    mmdet's transforms choose boxes, labels and flags, and know no further field that all of them would choose along.
    What makes new boxes from numbers, as Albumentations, or joins those of several pictures, makes them without tracks.

    Args:
        data: ``(M, 4)``, ``(x1, y1, x2, y2)`` in pixels.
        track_ids: ``(M,)``; each may be None.
    """

    def __init__(self, data: Any, *args: Any, track_ids: Sequence[int | None] | None = None, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        self.track_ids = (None,) * len(self) if track_ids is None else tuple(track_ids)

    def __getitem__(self, index: Any) -> 'TrackedBoxes':
        """Return some of the boxes."""
        boxes: TrackedBoxes = super().__getitem__(index)
        places = np.arange(len(self))[index.cpu().numpy() if isinstance(index, Tensor) else index]
        boxes.track_ids = tuple(self.track_ids[place] for place in np.atleast_1d(places))
        return boxes

    def __deepcopy__(self, memo: dict[int, Any]) -> 'TrackedBoxes':
        """Return a copy."""
        return self.clone()

    def clone(self) -> 'TrackedBoxes':
        """Return a copy."""
        return TrackedBoxes(self.tensor, track_ids=self.track_ids)

    @classmethod
    def cat(cls, box_list: Sequence[HorizontalBoxes], dim: int = 0) -> HorizontalBoxes:
        """Join boxes, which may be of both kinds."""
        return HorizontalBoxes.cat(box_list, dim)

    def convert_to(self, dst_type: str | type) -> BaseBoxes:
        """Return boxes of another type of mmdet; ``'hbox'`` is ``HorizontalBoxes``."""
        return HorizontalBoxes(self.tensor, clone=False).convert_to(dst_type)
