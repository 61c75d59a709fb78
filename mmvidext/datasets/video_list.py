"""Any data set of video files and a list of them."""

from mmvidext.datasets.list_dataset import ListDataset
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.video_file import VideoFile
from mmvidext.registry import DATASETS

__all__ = ['VideoListDataset']


@DATASETS.register_module()
class VideoListDataset(ListDataset):
    """Videos in a list of ``<path> <label>`` lines, as for mmaction2's ``VideoDataset``.

    The lists are checked before a run begins, and bad videos are handled as
    :class:`~mmvidext.datasets.media.policy.BadFilePolicy` says.

    Args:
        *args: ``ann_file`` and ``pipeline``.
        **kwargs: See :class:`~mmvidext.datasets.list_dataset.ListDataset`; the folder is
            ``data_prefix=dict(video=...)``.
    """

    prefix_key = 'video'
    path_key = 'filename'
    file_keys = ('filename',)

    def _advice(self, path: str) -> str:
        """Decoders differ in their codecs: decord knows no AV1, which PyAV does."""
        try:
            VideoFile(path).frames([0])
        except BadFileError as error:
            return f'; {error}'
        return '; mmvidext.InitVideo and mmvidext.DecodeVideo in the pipeline can read it'
