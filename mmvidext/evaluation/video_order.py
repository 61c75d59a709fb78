"""Follow the frames of videos through an evaluation."""

from typing import Any

__all__ = ['VideoOrder']


class VideoOrder:
    """Tells where a new video starts, and insists on consecutive frames.

    A metric over time has to see every frame of a video, one after the other, in one process.
    """

    def __init__(self) -> None:
        self.video: str | None = None
        self.frame_index = -1

    def starts_video(self, sample: dict[str, Any]) -> bool:
        """Register a frame; return whether it is the first one of its video.

        Args:
            sample: Holds ``video`` and ``frame_index``.

        Raises:
            ValueError: If frames are left out or arrive in another order.
        """
        video, frame_index = sample['video'], sample['frame_index']
        starts = frame_index == 0
        if not starts and (video != self.video or frame_index != self.frame_index + 1):
            raise ValueError(
                f'expected the frames of a video one after the other from 0, but frame {frame_index} of {video} '
                f'follows frame {self.frame_index} of {self.video}: evaluate all frames (key_frame_interval in the '
                'data set), in one process, with shuffle=False'
            )
        self.video, self.frame_index = video, frame_index
        return starts
