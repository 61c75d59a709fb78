"""ImageNet VID, and the images of ImageNet DET that are trained on with it."""

import os.path
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, overload

from mmvidext.datasets.imagenet_vid_classes import VID_CLASSES
from mmvidext.datasets.imagenet_vid_lists import ListedFrames, read_frame_list, read_image_list, read_video_list
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.policy import BadFilePolicy
from mmvidext.datasets.snippets import check_distance, check_evaluation
from mmvidext.registry import DATASETS

__all__ = ['ImageNetVIDDataset']

_FRAME = '{:06d}'


class _FramePaths(Sequence[str]):
    """The paths of the frames of a video, made when they are asked for."""

    def __init__(self, folder: str, length: int) -> None:
        self.folder, self.length = folder, length

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        numbers = range(self.length)[index]
        path = f'{self.folder}/{_FRAME}.JPEG'
        return path.format(numbers) if isinstance(numbers, int) else [path.format(number) for number in numbers]


@DATASETS.register_module()
class ImageNetVIDDataset(BadFilePolicy):
    """ImageNet VID (ILSVRC 2015), with the lists of Deep Feature Flow and Flow-Guided Feature Aggregation.

    ::

        Data/DET/{image}.JPEG               Annotations/DET/{image}.xml
        Data/VID/{video}/{frame:06d}.JPEG   Annotations/VID/{video}/{frame:06d}.xml
        ImageSets/                          the lists

    A sample is a frame and its video; ``LoadClipBoxes`` in the pipeline reads the boxes. An image of DET is a video of
    one frame, so that it is its own key frame. In training neither ``distances`` nor ``key_frame_interval`` is set, and
    ``SampleKeyFrame`` draws the key frame. For evaluation, ``key_frame_interval`` makes every listed frame a sample
    whose key frame is the last multiple of the interval, counted anew in each video. ``distances`` makes one sample for
    each distance and each frame that has all of these distances before it.

    Args:
        data_root: The folder that holds ``Data``, ``Annotations`` and ``ImageSets``.
        image_list: Images of DET, ``DET_train_30classes.txt``: ``path 1``.
        frame_list: Frames of VID, ``VID_train_15frames.txt``: ``video 1 frame length``.
        video_list: Whole videos of VID, ``VID_val_videos.txt``: ``video first_number 0 length``.
        distances: Evaluate frames at these numbers of frames behind their key frame.
        key_frame_interval: Evaluate every frame in a stream with this interval.
        metainfo: ``dict(classes=...)``, some of the 30 names. Objects of other classes are skipped.
        **kwargs: The limits of :class:`~mmvidext.datasets.media.policy.BadFilePolicy`, and the arguments of mmengine's
            ``BaseDataset``.

    Raises:
        FileNotFoundError: If a list is missing.
        ValueError: If there is no list, a line of one is wrong, a class is unknown, both ways of evaluation are asked
            for, or a distance is longer than a video.
    """

    METAINFO: ClassVar[dict[str, Any]] = {'dataset_type': 'imagenet_vid', 'classes': tuple(VID_CLASSES)}
    path_key = 'img_path'
    what = 'frames'

    def __init__(
        self,
        data_root: str,
        *,
        image_list: str | None = None,
        frame_list: str | None = None,
        video_list: str | None = None,
        distances: Sequence[int] | None = None,
        key_frame_interval: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_evaluation(distances, key_frame_interval)
        self.lists = {'image_list': image_list, 'frame_list': frame_list, 'video_list': video_list}
        if not any(self.lists.values()):
            raise ValueError('give at least one of image_list, frame_list and video_list')
        self.distances = tuple(distances) if distances is not None else None
        self.key_frame_interval = key_frame_interval
        self.replaces_bad = distances is None and key_frame_interval is None  # what is evaluated is never replaced
        super().__init__(data_root=data_root, **kwargs)
        self._check_classes()

    def _check_classes(self) -> None:
        if unknown := [name for name in self.metainfo['classes'] if name not in VID_CLASSES]:
            raise ValueError(f'classes must be among the 30 of ImageNet VID, but {unknown} are not')

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the lists; return one entry for each sample."""
        readers: tuple[tuple[str, str, Callable[[str], list[ListedFrames]]], ...] = (
            ('image_list', 'DET', read_image_list),
            ('frame_list', 'VID', read_frame_list),
            ('video_list', 'VID', read_video_list),
        )
        samples: list[dict[str, Any]] = []
        videos: dict[tuple[str, str], int] = {}
        for name, part, read in readers:
            if (file := self.lists[name]) is None:
                continue
            for line in read(os.path.join(self.data_root, 'ImageSets', file)):
                number = videos.setdefault((part, line.path), len(videos))
                samples += self._samples(line, part, number)
        return samples

    def _samples(self, line: ListedFrames, part: str, video_id: int) -> Iterator[dict[str, Any]]:
        common = dict(part=part, video=line.path, video_id=video_id, num_frames=line.num_frames, where=line.where)
        first = max(self.distances or (0,)) if part == 'VID' else 0
        if first:
            check_distance(first, line.frames[-1], snippet=line.path)
        for frame in line.frames:
            if frame < first:
                continue
            sample = {**common, 'frame_index': frame, 'img_id': line.first_number + frame - line.frames[0]}
            for distance in self._distances_of(frame, part):
                yield sample if distance is None else {**sample, 'propagation_distance': distance}

    def _distances_of(self, frame: int, part: str) -> tuple[int | None, ...]:
        if part == 'DET':
            return (0,)
        if self.distances is not None:
            return self.distances
        return (None if self.key_frame_interval is None else frame % self.key_frame_interval,)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return the entry of one sample, with the paths of its frame, its annotation and all frames of its video."""
        sample: dict[str, Any] = super().get_data_info(idx)
        data, annotations = (
            os.path.join(self.data_root, kind, sample['part'], sample['video']) for kind in ('Data', 'Annotations')
        )
        if sample['part'] == 'DET':
            sample |= dict(frame_paths=(f'{data}.JPEG',), ann_path=f'{annotations}.xml')
        else:
            stem = _FRAME.format(sample['frame_index'])
            sample |= dict(frame_paths=_FramePaths(data, sample['num_frames']), ann_path=f'{annotations}/{stem}.xml')
        sample['img_path'] = sample['frame_paths'][sample['frame_index']]
        sample['frame_id'] = sample['frame_index']
        sample['class_names'] = self.metainfo['classes']
        return sample

    def is_reading(self, transform: Any, results: dict[str, Any]) -> bool:
        """Whether an error in a transform tells of a bad file: those that load are named so, ours and mmdet's."""
        return type(transform).__name__.startswith('Load')

    def files(self, results: dict[str, Any]) -> list[str]:
        """Return the frame and its annotation; ``LoadClip`` looks at the key frame."""
        return [results['img_path'], results['ann_path']]

    def _check_files(self, results: dict[str, Any]) -> None:
        try:
            super()._check_files(results)
        except BadFileError as error:
            raise BadFileError(f'{error}; it is listed in {results["where"]}') from error
