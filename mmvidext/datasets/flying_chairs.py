"""FlyingChairs, and everything that is written in its layout."""

from pathlib import Path
from typing import Any

from mmvidext.datasets.annotation_lines import read_lines
from mmvidext.datasets.flow_pairs import FlowPairPolicy
from mmvidext.datasets.media.files import visible
from mmvidext.datasets.natural_order import natural_key
from mmvidext.registry import DATASETS

__all__ = ['FlyingChairsDataset', 'read_chairs_split']

SPLIT_CODES = {'train': '1', 'val': '2'}
HINT = "The list of the split, FlyingChairs_train_val.txt, comes beside the archive on the data set's page"
SUFFIXES = ('img1.ppm', 'img2.ppm', 'flow.flo')


@DATASETS.register_module()
class FlyingChairsDataset(FlowPairPolicy):
    """FlyingChairs (FlowNet, section 4.3) as its authors publish it.

    Layout::

        data_root/
            FlyingChairs_train_val.txt        a line for each pair: 1 = train, 2 = val
            data/00001_img1.ppm  00001_img2.ppm  00001_flow.flo ...

    Args:
        data_root: The folder ``FlyingChairs_release``.
        split: ``'train'`` or ``'val'``.
        split_file: The list of the split, in ``data_root`` unless it is an absolute path.
        **kwargs: ``pipeline``, ``test_mode``, ``indices`` and what else mmengine's ``BaseDataset`` takes.

    Raises:
        ValueError: If ``split`` is neither of the two, or the list does not fit the pairs.
        FileNotFoundError: If the list or a file of a pair is missing.
    """

    def __init__(
        self,
        data_root: str,
        *,
        split: str = 'train',
        split_file: str = 'FlyingChairs_train_val.txt',
        **kwargs: Any,
    ) -> None:
        if split not in SPLIT_CODES:
            raise ValueError(f"split must be 'train' or 'val', not {split!r}")
        self.split = split
        super().__init__(ann_file=split_file, data_root=data_root, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """List the pairs of the split, in the order of their numbers."""
        folder = Path(self.data_root) / 'data'
        codes = read_chairs_split(self.ann_file)
        names = {path.name for path in visible(folder.iterdir())} if folder.is_dir() else set()
        stems = sorted({name.rsplit('_', 1)[0] for name in names if name.endswith(SUFFIXES)}, key=natural_key)
        if len(stems) != len(codes):
            raise ValueError(
                f'{self.ann_file} has {len(codes)} lines, but {folder} holds {len(stems)} pairs: there must be a line '
                'for each pair'
            )
        chosen = [stem for stem, code in zip(stems, codes, strict=True) if code == SPLIT_CODES[self.split]]
        if not chosen:
            raise ValueError(f'{self.ann_file} gives no pair to {self.split!r}: no line is {SPLIT_CODES[self.split]}')
        for stem in chosen:
            for suffix in SUFFIXES:
                if f'{stem}_{suffix}' not in names:
                    raise FileNotFoundError(
                        f'{folder / f"{stem}_{suffix}"} is missing: a pair has {", ".join(SUFFIXES)}'
                    )
        return [
            dict(
                zip(
                    ('img1_path', 'img2_path', 'flow_path'),
                    (str(folder / f'{stem}_{s}') for s in SUFFIXES),
                    strict=True,
                ),
                sample_id=stem,
            )
            for stem in chosen
        ]


def read_chairs_split(path: str | Path) -> list[str]:
    """Read the list that says which pair is for training and which for validation.

    Args:
        path: A text file with a line for each pair.

    Returns:
        ``'1'`` (train) or ``'2'`` (val) for each pair.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is neither; the message names the line.
    """
    lines = read_lines(str(path), hint=HINT)
    for where, code in lines:
        if code not in SPLIT_CODES.values():
            raise ValueError(f'{where}: a line is 1 (train) or 2 (val), not {code!r}')
    return [code for _, code in lines]
