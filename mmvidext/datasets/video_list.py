"""Any data set of video files and a list of them."""

from pathlib import Path
from typing import Any

from mmvidext.datasets.list_dataset import ListDataset
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.limits import crash_in_child
from mmvidext.datasets.media.shard_file import PREFIX
from mmvidext.datasets.media.video_file import VideoFile
from mmvidext.registry import DATASETS

__all__ = ['VideoListDataset']


@DATASETS.register_module()
class VideoListDataset(ListDataset):
    """Videos in a list of ``<path> <label>`` lines, as for mmaction2's ``VideoDataset``.

    With ``mmvidext.InitVideo`` in the pipeline, a path may also be a folder of pictures, the frames of a video.

    The lists are checked before a run begins, and bad videos are handled as
    :class:`~mmvidext.datasets.media.policy.BadFilePolicy` says.

    mmaction2's ``DecordInit`` ends the process at some damaged files. Where a pipeline has it, PyAV opens each file
    first, and then the pipeline is tried in a child process, once a file. ``mmvidext.InitVideo`` needs neither.

    Videos in shards (``data_prefix=dict(video='shards://...')``) need ``mmvidext.InitVideo``.

    Args:
        *args: ``ann_file`` and ``pipeline``.
        **kwargs: See :class:`~mmvidext.datasets.list_dataset.ListDataset`; the folder is
            ``data_prefix=dict(video=...)``.

    Raises:
        ValueError: If the videos are in shards, and a transform of the pipeline reads files of the disk alone.
    """

    prefix_key = 'video'
    path_key = 'filename'

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._tried: set[str] = set()
        super().__init__(*args, **kwargs)
        folder = self.data_prefix.get(self.prefix_key) or ''
        for transform in self.pipeline.transforms if folder.startswith(f'{PREFIX}://') else ():
            if getattr(transform, 'io_backend', None) == 'disk':  # mmaction2's, which take the path for that of a file
                raise ValueError(
                    f'{type(transform).__name__} cannot read from {folder} (data_prefix of the dataset); put '
                    'mmvidext.InitVideo and mmvidext.DecodeVideo into the pipeline'
                )

    def files(self, results: dict[str, Any]) -> list[str]:
        """Return the video; the pictures of a folder are looked at when they are read."""
        return [] if Path(results[self.path_key]).is_dir() else super().files(results)

    def _advice(self, path: str) -> str:
        """Decoders differ in their codecs: decord knows no AV1, which PyAV does."""
        try:
            video = VideoFile(path)
            video.frames([0])
        except BadFileError as error:
            return f'; {error}'
        return f' (codec {video.codec}); mmvidext.InitVideo and mmvidext.DecodeVideo in the pipeline can read it'

    def _read(self, idx: int) -> Any:
        decoder = next((name for t in self.pipeline.transforms if 'Decord' in (name := type(t).__name__)), None)
        path = self._path(idx)
        if decoder and path not in self._tried:
            VideoFile(path)  # what PyAV refuses is bad, whatever decord makes of it
            read = super()._read
            if death := crash_in_child(lambda: read(idx), self.time_limit):
                raise BadFileError(f'{path} cannot be read: the decoder {decoder} dies ({death}){self._advice(path)}')
            self._tried.add(path)
        return super()._read(idx)
