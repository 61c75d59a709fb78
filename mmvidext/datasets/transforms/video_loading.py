"""How our configs read videos: the one place where the decoder is chosen.

PyAV, by measurement (``tools/benchmark.py decode``; docs/data_speed.md): decord and OpenCV are slower, and a truncated
``.avi`` makes decord end the process. torchcodec is as fast on usual videos and up to 1.5 times as fast on re-encoded
ones, but needs FFmpeg's libraries, and does not say that a file is truncated. mmaction2's own
``PyAVInit`` takes the number of frames from the header, where WebM, Matroska and MPEG-TS files have none. The names
contain "Init" and "Decode" because mmaction2's inferencer looks for these words to put its own transforms there.
"""

from typing import Any

from mmcv.transforms import BaseTransform

from mmvidext.datasets.media.frame_folder import open_video
from mmvidext.registry import TRANSFORMS

__all__ = ['DecodeVideo', 'InitVideo']


@TRANSFORMS.register_module()
class InitVideo(BaseTransform):
    """Open ``filename``: adds ``video_reader``, ``total_frames`` and ``avg_fps``, as ``DecordInit`` does.

    It may be a video, or a folder of pictures in the order of their numbers.

    Raises:
        BadFileError: See :class:`~mmvidext.datasets.media.video_file.VideoFile`.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Open the video."""
        video = open_video(results['filename'])
        results.update(video_reader=video, total_frames=video.num_frames, avg_fps=video.frame_rate)
        return results


@TRANSFORMS.register_module()
class DecodeVideo(BaseTransform):
    """Decode the frames ``frame_inds``: adds ``imgs``, ``original_shape`` and ``img_shape``, as ``DecordDecode`` does.

    ``imgs`` are RGB ``uint8 (H, W, 3)``.

    Raises:
        BadFileError: If a frame cannot be decoded.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Decode the frames."""
        images = results['video_reader'].frames(results['frame_inds'].ravel().tolist())
        shape = images[0].shape[:2]
        results.update(video_reader=None, imgs=images, original_shape=shape, img_shape=shape)
        return results
