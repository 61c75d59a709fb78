"""How much the page takes from those who use it."""

import math
from dataclasses import dataclass, fields

__all__ = ['Limits']


@dataclass(frozen=True)
class Limits:
    """Bounds of what is uploaded, of what is computed at a time, and of how often a password is tried.

    Attributes:
        max_megabytes: Size of a video.
        max_seconds: Its length.
        max_frames: Its frames, whatever its frame rate.
        max_uploads: Videos that are kept at a time, from the upload to the end of the work on them.
        max_waiting: Requests that wait in the queue; one is worked on at a time.
        max_side: Pixels of the longer side; larger frames are made smaller.
        max_silence: Seconds that the decoder may take for a frame.
        max_logins: Wrong passwords that an address may send, until it must wait.
        login_wait: Seconds after which a wrong password is forgotten.
        keep_seconds: How long an upload that nobody works on, and a result, is kept.

    Raises:
        ValueError: If one is not above 0 and finite.
    """

    max_megabytes: float = 100
    max_seconds: float = 60
    max_frames: int = 1800
    max_uploads: int = 16
    max_waiting: int = 8
    max_side: int = 960
    max_silence: float = 30
    max_logins: int = 5
    login_wait: float = 60
    keep_seconds: float = 600

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 < value < math.inf:
                raise ValueError(f'{field.name} must be above 0 and finite, but is {value}')

    @property
    def max_bytes(self) -> int:
        """Size of a video in bytes."""
        return int(self.max_megabytes * 1e6)
