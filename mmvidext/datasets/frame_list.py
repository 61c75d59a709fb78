"""Any data set of folders of frames and a list of them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvidext.datasets.list_dataset import ListDataset
from mmvidext.datasets.media.bit_depth import check_8_bits
from mmvidext.datasets.media.files import BadFileError, check_one_size, file_problem, is_local, visible
from mmvidext.datasets.media.images import check_picture_size, read_image
from mmvidext.registry import DATASETS

__all__ = ['FrameListDataset']


@DATASETS.register_module()
class FrameListDataset(ListDataset):
    """Folders of frames in a list of ``<folder> <number of frames> <label>`` lines, as for ``RawframeDataset``.

    Args:
        ann_file: The list.
        pipeline: Transforms.
        filename_tmpl: Name of a frame, given its number; with ``modality='Flow'`` given ``'x'`` or ``'y'`` and its
            number, for example ``'flow_{}_{:05d}.jpg'``.
        start_index: Number of the first frame.
        modality: ``'RGB'``, or ``'Flow'`` for a pair of gray pictures per frame.
        **kwargs: See :class:`~mmvidext.datasets.list_dataset.ListDataset`; the folder is ``data_prefix=dict(img=...)``.

    Raises:
        ValueError: If ``modality`` is neither, or ``filename_tmpl`` does not fit it.
    """

    prefix_key = 'img'
    path_key = 'frame_dir'
    columns = ('total_frames',)

    def __init__(
        self,
        ann_file: str,
        pipeline: Sequence[Any],
        *,
        filename_tmpl: str = '{:05}.jpg',
        start_index: int = 1,
        modality: str = 'RGB',
        **kwargs: Any,
    ) -> None:
        if modality not in ('RGB', 'Flow'):
            raise ValueError(f"modality must be 'RGB' or 'Flow', but is {modality!r}")
        self.filename_tmpl = filename_tmpl
        self.modality = modality
        try:
            names = {name for number in (1, 2) for name in self._frame_names(number)}
        except (IndexError, KeyError, ValueError) as error:
            raise ValueError(f'filename_tmpl={filename_tmpl!r} does not fit modality={modality!r}: {error}') from error
        if len(names) != (2 if modality == 'RGB' else 4):
            raise ValueError(f'filename_tmpl={filename_tmpl!r} gives several frames of {modality} the same name')
        super().__init__(ann_file, pipeline, start_index=start_index, modality=modality, **kwargs)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return the annotation of one video."""
        info: dict[str, Any] = super().get_data_info(idx)
        info['filename_tmpl'] = self.filename_tmpl
        return info

    def _frame_names(self, number: int) -> list[str]:
        if self.modality == 'RGB':
            return [self.filename_tmpl.format(number)]
        return [self.filename_tmpl.format(axis, number) for axis in ('x', 'y')]

    def _advice(self, path: str) -> str:
        """Name the frame: mmaction2's ``RawFrameDecode`` does not."""
        for picture in sorted(visible(Path(path).iterdir())) if is_local(path) else ():
            try:
                read_image(str(picture))
            except (OSError, ValueError) as error:
                return f'; {error}'
        return ''

    def _check_files(self, results: dict[str, Any]) -> None:
        """The last frame tells whether the folder holds what the list says; after it those that are sampled.

        mmaction2's ``RawFrameDecode`` would decode a picture of any size, and crop frames of several sizes as one.
        """
        folder = results['frame_dir']
        if not is_local(folder):
            return
        last = results['start_index'] + results['total_frames'] - 1
        sizes: dict[str, tuple[int, int]] = {}
        for number in dict.fromkeys([last, *results.get('frame_inds', ())]):
            for name in self._frame_names(int(number)):
                path = os.path.join(folder, name)
                if problem := file_problem(path):
                    raise BadFileError(f'{folder} should hold {results["total_frames"]} frames, but {path} {problem}')
                check_8_bits(path)
                sizes[path] = _picture_size(path)
        check_one_size(folder, sizes)


def _picture_size(path: str) -> tuple[int, int]:
    try:
        with open(path, 'rb') as file:
            return check_picture_size(path, file)
    except (OSError, ValueError) as error:
        raise BadFileError(str(error)) from error
