"""VSPW: video scene parsing in the wild, every frame labelled."""

import json
from pathlib import Path
from typing import Any

from mmvidext.datasets.snippets import Snippet
from mmvidext.datasets.video_seg_dataset import VideoSegDataset
from mmvidext.registry import DATASETS

__all__ = ['VSPWDataset']


@DATASETS.register_module()
class VSPWDataset(VideoSegDataset):
    """``VSPW_480p``: dense labels of 124 classes.

    ::

        label_num_dic_final.json    class name to number
        {train,val,test}.txt        one video name per line
        data/{video}/origin/*.jpg
        data/{video}/mask/*.png     0: others, 255: void, both ignored

    Args:
        data_root: The folder that holds them.
        ann_file: The list of videos.
        label_file: The class names; not read when ``metainfo`` names the classes.
        metainfo: Classes and palette, if not from ``label_file``.
        **kwargs: See :class:`~mmvidext.datasets.video_seg_dataset.VideoSegDataset`.

    Raises:
        FileNotFoundError: If a list, a video folder or a frame's label or image is missing.
    """

    def __init__(
        self,
        data_root: str,
        *,
        ann_file: str,
        label_file: str = 'label_num_dic_final.json',
        metainfo: dict[str, Any] | None = None,
        img_suffix: str = '.jpg',
        **kwargs: Any,
    ) -> None:
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            metainfo=metainfo or {'classes': _read_classes(Path(data_root, label_file))},
            data_prefix={'img_path': 'data', 'seg_map_path': 'data'},
            img_suffix=img_suffix,
            reduce_zero_label=True,
            **kwargs,
        )

    def find_snippets(self) -> list[Snippet]:
        """Return one snippet for each video."""
        if not Path(self.ann_file).is_file():
            raise FileNotFoundError(f'the list of videos {self.ann_file} is missing')
        names = [line.strip() for line in Path(self.ann_file).read_text().splitlines() if line.strip()]
        return [self._snippet(name) for name in names]

    def _snippet(self, name: str) -> Snippet:
        folder = Path(self.data_prefix['img_path'], name)
        images = sorted((folder / 'origin').glob(f'*{self.img_suffix}'))
        if not images:
            raise FileNotFoundError(f'video {name} of {self.ann_file} has no frame in {folder / "origin"}')
        labels = {}
        masks = {path.stem: path for path in (folder / 'mask').glob(f'*{self.seg_map_suffix}')}
        for index, image in enumerate(images):
            if image.stem in masks:
                labels[index] = str(masks.pop(image.stem))
        if masks:
            raise FileNotFoundError(
                f'video {name}: frame {min(masks)} is missing in {folder / "origin"}, although its mask exists'
            )
        return Snippet(name, tuple(map(str, images)), labels)


def _read_classes(path: Path) -> tuple[str, ...]:
    """Return the class names in the order of their numbers, without number 0 (others)."""
    if not path.is_file():
        raise FileNotFoundError(f'the class list {path} is missing; give metainfo=dict(classes=...) to do without it')
    numbers = {name: int(number) for name, number in json.loads(path.read_text()).items()}
    names = sorted((name for name, number in numbers.items() if 0 < number < 255), key=numbers.__getitem__)
    return tuple(names)
