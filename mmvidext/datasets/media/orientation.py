"""How a recorder wants the frames of a video to be turned and mirrored."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

__all__ = ['Orientation', 'orientation_of']


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to show a frame: first transposed, then mirrored.

    Attributes:
        transposed: Rows become columns.
        upside_down: The last row, of those that result, comes first.
        mirrored: The last column, of those that result, comes first.
    """

    transposed: bool = False
    upside_down: bool = False
    mirrored: bool = False

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture ``(H, W, 3)`` as it is to be shown, ``(W, H, 3)`` if transposed."""
        shown = picture.transpose(1, 0, 2) if self.transposed else picture
        return np.ascontiguousarray(shown[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1])


def orientation_of(frame: Any) -> Orientation:
    """Read the display matrix of a frame of PyAV (ISO 14496-12, 8.3.2); angles between are rounded to a right one.

    PyAV's ``rotation`` is not enough: it takes a mirrored frame for one that is turned.
    """
    data = frame.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return Orientation()
    # the place (x, y) of the frame is shown at (a x + c y, b x + d y); x goes to the right, y down
    a, b, _, c, d = (int(number) for number in np.frombuffer(data, np.int32, count=5))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(upside_down=d < 0, mirrored=a < 0)
    return Orientation(transposed=True, upside_down=b < 0, mirrored=c < 0)
