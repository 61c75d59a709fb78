"""VSPW: video scene parsing in the wild, every frame labeled."""

from pathlib import Path
from typing import Any

from mmvidext.datasets.json_file import read_json
from mmvidext.datasets.video_folders import VideoFolderSegDataset
from mmvidext.registry import DATASETS

__all__ = ['VSPWDataset']


@DATASETS.register_module()
class VSPWDataset(VideoFolderSegDataset):
    """``VSPW_480p``: dense labels of 124 classes.

    ::

        label_num_dic_final.json    class name to number
        {train,val,test}.txt        one video name per line
        data/{video}/origin/*.jpg
        data/{video}/mask/*.png     0: others, 255: void, both ignored

    The test split, whose labels are not published, needs ``with_labels=False``.

    Args:
        data_root: The folder that holds them.
        ann_file: The list of videos.
        label_file: The class names; not read when ``metainfo`` names the classes.
        metainfo: Classes and palette, if not from ``label_file``.
        data_prefix: By default ``dict(img_path='data', seg_map_path='data')``.
        reduce_zero_label: Ignore class 0 (others) and count the others from 0. With False it is a class.
        **kwargs: See :class:`~mmvidext.datasets.video_folders.VideoFolderSegDataset`.

    Raises:
        FileNotFoundError: If ``label_file`` is missing, or what any data set of videos needs.
        ValueError: If ``label_file`` is not a JSON object of names and numbers without gaps, and as any data set of
            videos.
    """

    folders = ('data', 'data')

    def __init__(
        self,
        data_root: str,
        *,
        ann_file: str,
        label_file: str = 'label_num_dic_final.json',
        metainfo: dict[str, Any] | None = None,
        reduce_zero_label: bool = True,
        **kwargs: Any,
    ) -> None:
        first_class = 1 if reduce_zero_label else 0
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            metainfo=metainfo or {'classes': _read_classes(Path(data_root, label_file), first_class)},
            reduce_zero_label=reduce_zero_label,
            **kwargs,
        )

    def frame_folder(self, video: str) -> Path:
        """Return the folder with the frames of a video."""
        return super().frame_folder(video) / 'origin'

    def label_folder(self, video: str) -> Path:
        """Return the folder with the labels of a video."""
        return super().label_folder(video) / 'mask'


def _read_classes(path: Path, first: int) -> tuple[str, ...]:
    """Return the class names in the order of their numbers, from number ``first`` on; 255 is void."""
    form = 'one object, from class name to number'
    try:
        content = read_json(path, hint=f'it must hold {form}')
    except FileNotFoundError:
        raise FileNotFoundError(
            f'the class list {path} is missing; give metainfo=dict(classes=...) to do without it'
        ) from None
    try:
        numbers = {name: int(number) for name, number in content.items()}
    except (ValueError, AttributeError, TypeError, OverflowError) as error:
        raise ValueError(f'{path} must hold {form}, but: {error}') from error
    names = sorted((name for name, number in numbers.items() if first <= number < 255), key=numbers.__getitem__)
    found = [numbers[name] for name in names]
    if found != list(range(first, first + len(names))):
        raise ValueError(f'{path}: the numbers must be {first}, {first + 1}, ... without gap or repetition: {found}')
    return tuple(names)
