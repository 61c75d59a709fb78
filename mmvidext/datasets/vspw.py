"""VSPW: video scene parsing in the wild, every frame labeled."""

import json
import logging
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmvidext.datasets.annotation_lines import check_paths, read_lines
from mmvidext.datasets.media.files import read_bytes
from mmvidext.datasets.natural_order import natural_key, numbering_gap, repeated_number
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

    The frames of a video are in the order of their numbers, with or without leading zeros. A gap in the numbers is
    named in the log: for the propagation it is a longer distance than it seems.

    Args:
        data_root: The folder that holds them.
        ann_file: The list of videos.
        label_file: The class names; not read when ``metainfo`` names the classes.
        metainfo: Classes and palette, if not from ``label_file``.
        data_prefix: The folders of the videos.
        img_suffix: What follows the stem of an image.
        reduce_zero_label: Ignore class 0 (others) and count the others from 0. With False it is a class.
        **kwargs: See :class:`~mmvidext.datasets.video_seg_dataset.VideoSegDataset`.

    Raises:
        FileNotFoundError: If a list, a video folder or a frame's label or image is missing.
        ValueError: If a line of the list leads out of the data folder or is repeated, two frames have the same number
            (``1.jpg`` and ``01.jpg``), or ``label_file`` is no object of names and numbers without a gap.
    """

    def __init__(
        self,
        data_root: str,
        *,
        ann_file: str,
        label_file: str = 'label_num_dic_final.json',
        metainfo: dict[str, Any] | None = None,
        data_prefix: dict[str, str] | None = None,
        img_suffix: str = '.jpg',
        reduce_zero_label: bool = True,
        **kwargs: Any,
    ) -> None:
        first_class = 1 if reduce_zero_label else 0
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            metainfo=metainfo or {'classes': _read_classes(Path(data_root, label_file), first_class)},
            data_prefix=data_prefix or {'img_path': 'data', 'seg_map_path': 'data'},
            img_suffix=img_suffix,
            reduce_zero_label=reduce_zero_label,
            **kwargs,
        )

    def find_snippets(self) -> list[Snippet]:
        """Return one snippet for each video."""
        snippets = []
        gaps = []
        lines = read_lines(self.ann_file)
        check_paths(lines)
        for _, name in lines:
            snippet = self._snippet(name)
            stems = [Path(frame).stem for frame in snippet.frame_paths]
            if pair := repeated_number(stems):
                raise ValueError(f'video {name}: {pair[0]} and {pair[1]} have the same number; remove one')
            if pair := numbering_gap(stems):
                gaps.append(f'video {name}: frames are missing between {pair[0]} and {pair[1]}')
            snippets.append(snippet)
        if gaps:
            text = f'{len(gaps)} of {len(snippets)} videos have gaps; {gaps[0]}'
            print_log(text, logger='current', level=logging.WARNING)
        return snippets

    def _snippet(self, name: str) -> Snippet:
        folder = Path(self.data_prefix['img_path'], name)
        images = sorted((folder / 'origin').glob(f'*{self.img_suffix}'), key=lambda path: natural_key(path.name))
        if not images:
            raise FileNotFoundError(f'video {name} of {self.ann_file} has no frame in {folder / "origin"}')
        labels = {}
        mask_folder = Path(self.data_prefix['seg_map_path'], name, 'mask')
        masks = {path.stem: path for path in mask_folder.glob(f'*{self.seg_map_suffix}')}
        for index, image in enumerate(images):
            if image.stem in masks:
                labels[index] = str(masks.pop(image.stem))
        if masks:
            raise FileNotFoundError(
                f'video {name}: frame {min(masks, key=natural_key)} is missing in {folder / "origin"}, although its '
                'mask exists'
            )
        return Snippet(name, tuple(map(str, images)), labels)


def _read_classes(path: Path, first: int) -> tuple[str, ...]:
    """Return the class names in the order of their numbers, from number ``first`` on; 255 is void."""
    try:
        numbers = {name: int(number) for name, number in json.loads(read_bytes(path).decode('utf-8-sig')).items()}
    except FileNotFoundError:
        raise FileNotFoundError(
            f'the class list {path} is missing; give metainfo=dict(classes=...) to do without it'
        ) from None
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f'{path} must hold one object, from class name to number, but: {error}') from error
    names = sorted((name for name, number in numbers.items() if first <= number < 255), key=numbers.__getitem__)
    found = [numbers[name] for name in names]
    if found != list(range(first, first + len(names))):
        raise ValueError(f'{path}: the numbers must be {first}, {first + 1}, ... without gap or repetition: {found}')
    return tuple(names)
