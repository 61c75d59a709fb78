"""Video segmentation on one's own data: a folder of frames and a folder of labels for each video."""

from pathlib import Path
from typing import Any

from mmvidext.datasets.annotation_lines import check_paths, read_lines
from mmvidext.datasets.frame_numbers import check_frame_numbers, warn_of_gaps
from mmvidext.datasets.media.files import visible
from mmvidext.datasets.natural_order import natural_key
from mmvidext.datasets.snippets import Snippet
from mmvidext.datasets.video_seg_dataset import VideoSegDataset
from mmvidext.registry import DATASETS

__all__ = ['VideoFolderSegDataset']

IGNORED = 255


@DATASETS.register_module()
class VideoFolderSegDataset(VideoSegDataset):
    """Any videos as folders of frames, with a label map for some or all of the frames.

    ::

        frames/{video}/*.jpg    all frames of a video
        labels/{video}/*.png    one channel of 8 bits; named as the frames, which need not all have one

    The frames of a video are in the order of their numbers, with or without leading zeros. A gap in the numbers is
    named in the log: for the propagation it is a longer distance than it seems.

    Args:
        metainfo: ``dict(classes=('road', 'car'), palette=[[128, 64, 128], [0, 0, 142]])``; without a palette, colors
            are drawn.
        label_map: Value in the label files to number of the class, for example ``{7: 0, 26: 1, 0: 255}``; 255 is
            ignored. A value that it does not name is an error. By default the values are the numbers of the classes.
        reduce_zero_label: Ignore the value 0, and count the classes from 1; with ``label_map``, which names them, only
            the former.
        with_labels: False reads a test split: every frame is a sample, without label. Set ``format_only=True`` and
            ``output_dir`` of the metric, and ``key_frame_interval`` here.
        ann_file: A list of videos, one a line; by default all folders in ``img_path``.
        allow_outside: Accept videos of the list that lie outside the data folder, such as ``../1`` or ``/videos/1``.
        data_prefix: By default ``dict(img_path='frames', seg_map_path='labels')``.
        img_suffix: What follows the stem of a frame.
        seg_map_suffix: What follows the stem of a label file.
        **kwargs: See :class:`~mmvidext.datasets.video_seg_dataset.VideoSegDataset`.

    Raises:
        FileNotFoundError: If a list, a video, the labels of a video or the frame of a label are missing.
        ValueError: If there are no classes, the label map leads to a number that is not a class, a line of the list
            leads out of the data folder or is repeated, or two frames have the same number (``1.jpg`` and ``01.jpg``).

    Example:
        >>> from mmvidext.datasets import VideoFolderSegDataset
        >>> metainfo = dict(classes=('road', 'car'), palette=[[128, 64, 128], [0, 0, 142]])
        >>> VideoFolderSegDataset(data_root='data/mine', metainfo=metainfo, label_map={7: 0, 26: 1})
        Traceback (most recent call last):
        FileNotFoundError: there is no video in data/mine/frames; expected a folder for each, with frames *.jpg
    """

    folders = ('frames', 'labels')

    def __init__(
        self,
        *,
        metainfo: dict[str, Any],
        label_map: dict[int, int] | None = None,
        reduce_zero_label: bool = False,
        with_labels: bool = True,
        allow_outside: bool = False,
        img_suffix: str = '.jpg',
        seg_map_suffix: str = '.png',
        lazy_init: bool = False,
        **kwargs: Any,
    ) -> None:
        if not metainfo.get('classes'):
            raise ValueError("metainfo must name the classes: metainfo=dict(classes=('road', 'car'))")
        self.with_labels = with_labels
        self.allow_outside = allow_outside
        super().__init__(
            metainfo=metainfo,
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            reduce_zero_label=reduce_zero_label and label_map is None,
            lazy_init=True,
            **kwargs,
        )
        if label_map is not None:
            others = {0: 255} if reduce_zero_label else {}
            self.label_map = others | _checked(label_map, len(metainfo['classes']))
            self._metainfo['label_map'] = self.label_map
        if not lazy_init:
            self.full_init()

    def frame_folder(self, video: str) -> Path:
        """Return the folder with the frames of a video."""
        return Path(self.data_prefix['img_path'], video)

    def label_folder(self, video: str) -> Path:
        """Return the folder with the labels of a video."""
        return Path(self.data_prefix['seg_map_path'], video)

    def find_snippets(self) -> list[Snippet]:
        """Return one snippet for each video."""
        snippets, gaps = [], {}
        for video in self._videos():
            snippet = self._snippet(video)
            gaps[video] = check_frame_numbers([Path(frame).stem for frame in snippet.frame_paths], video)
            snippets.append(snippet)
        warn_of_gaps(gaps)
        return snippets

    def _videos(self) -> list[str]:
        if self.ann_file:
            lines = read_lines(self.ann_file)
            check_paths(lines, allow_outside=self.allow_outside)
            return [name for _, name in lines]
        root = Path(self.data_prefix['img_path'])
        names = sorted((path.name for path in visible(root.glob('*')) if path.is_dir()), key=natural_key)
        if not names:
            raise FileNotFoundError(
                f'there is no video in {root}; expected a folder for each, with frames *{self.img_suffix}'
            )
        return names

    def _snippet(self, video: str) -> Snippet:
        images = _files(self.frame_folder(video), self.img_suffix)
        if not images:
            listed = f' of {self.ann_file}' if self.ann_file else ''
            raise FileNotFoundError(
                f'video {video}{listed} has no frame *{self.img_suffix} in {self.frame_folder(video)}'
            )
        paths = tuple(map(str, images.values()))
        if not self.with_labels:
            return Snippet(video, paths, dict.fromkeys(range(len(paths))))
        labels = _files(self.label_folder(video), self.seg_map_suffix)
        if not labels:
            raise FileNotFoundError(
                f'video {video} has no label *{self.seg_map_suffix} in {self.label_folder(video)}; a test split '
                'without labels needs with_labels=False'
            )
        for stem in labels:
            if stem not in images:
                raise FileNotFoundError(
                    f'video {video}: frame {stem} is missing in {self.frame_folder(video)}, although its label exists'
                )
        return Snippet(video, paths, {i: str(labels[stem]) for i, stem in enumerate(images) if stem in labels})


def _files(folder: Path, suffix: str) -> dict[str, Path]:
    """Return the files of a folder by stem, in natural order."""
    paths = sorted(visible(folder.glob(f'*{suffix}')), key=lambda path: natural_key(path.name))
    return {path.name.removesuffix(suffix): path for path in paths}


def _checked(label_map: dict[int, int], num_classes: int) -> dict[int, int]:
    for value, number in label_map.items():
        if not (isinstance(value, int) and 0 <= value < 256 and (number == IGNORED or 0 <= number < num_classes)):
            raise ValueError(
                f'label_map[{value!r}] = {number!r}: expected a value of the label files from 0 to 255, and a class '
                f'from 0 to {num_classes - 1} or {IGNORED}, which is ignored'
            )
    return dict(label_map)
