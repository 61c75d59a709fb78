"""Optical flow on one's own data: a folder of frames and a folder of flow files for each video."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvidext.datasets.annotation_lines import check_paths, read_lines
from mmvidext.datasets.flow_pairs import FlowPairDataset
from mmvidext.datasets.frame_numbers import check_frame_numbers, warn_of_gaps
from mmvidext.datasets.media.files import visible
from mmvidext.datasets.media.frame_folder import list_pictures
from mmvidext.datasets.natural_order import natural_key
from mmvidext.registry import DATASETS

__all__ = ['FLOW_FILE_SUFFIXES', 'FlowFolderDataset', 'pairs_of_video']

FLOW_FILE_SUFFIXES = ('.flo', '.pfm', '.png')


@DATASETS.register_module()
class FlowFolderDataset(FlowPairDataset):
    """Any videos as folders of frames, with the flow from some or all frames to the next one.

    ::

        frames/{video}/*.png    all frames of a video, in the order of their numbers
        flow/{video}/*.flo      named as the first frame of the pair; .flo, .pfm, or KITTI's .png of 16 bits

    A gap in the numbers is named in the log: the flow of the frame before it is taken as leading to the one behind it.

    Args:
        data_root: The folder that holds both.
        ann_file: A list of videos, one a line; by default all folders in ``flow``.
        **kwargs: ``pipeline``, ``test_mode``, ``indices`` and what else mmengine's ``BaseDataset`` takes.

    Raises:
        FileNotFoundError: If the list, a video or the frame of a flow file is missing.
        ValueError: If a line of the list leads out of the folder, two frames have the same number or name, a frame has
            two flow files, or a flow file belongs to the last frame.
    """

    layout = 'flow/VIDEO/*.flo and frames/VIDEO/*'

    def __init__(self, data_root: str, *, ann_file: str = '', **kwargs: Any) -> None:
        super().__init__(data_root=data_root, ann_file=ann_file, **kwargs)

    def find_pairs(self) -> list[dict[str, Any]]:
        """List the pairs: video by video, frame by frame."""
        root = Path(self.data_root)
        if self.ann_file:
            lines = read_lines(self.ann_file)
            check_paths(lines)
            videos = [name for _, name in lines]
        else:
            folders = visible((root / 'flow').glob('*'))
            videos = sorted((path.name for path in folders if path.is_dir()), key=natural_key)
        pairs, gaps = [], {}
        for video in videos:
            found, gaps[video] = pairs_of_video(root, video)
            pairs += found
        warn_of_gaps(gaps)
        return pairs


def pairs_of_video(root: Path, video: str) -> tuple[list[dict[str, Any]], str | None]:
    """List the pairs of one video, see :class:`FlowFolderDataset`.

    Returns:
        The entries; and between which frames others are missing, None if none are.

    Raises:
        FileNotFoundError: If it has no flow file, or a flow file no frame.
        ValueError: If two frames have the same number or name, a frame has two flow files, or a flow file is that of
            the last frame.
    """
    frames_folder, flow_folder = root / 'frames' / video, root / 'flow' / video
    for folder in (frames_folder, flow_folder):
        if not folder.is_dir():
            raise FileNotFoundError(f'there is no folder {folder}')
    frames = list_pictures(frames_folder)
    gap = check_frame_numbers([frame.stem for frame in frames], video)
    number_of = {frame.stem: number for number, frame in enumerate(_one_a_name(frames))}
    files = [path for path in visible(flow_folder.iterdir()) if path.suffix.lower() in FLOW_FILE_SUFFIXES]
    if not files:
        raise FileNotFoundError(f'{flow_folder} holds no flow file ({", ".join(FLOW_FILE_SUFFIXES)})')
    pairs = []
    for file in _one_a_name(sorted(files, key=lambda path: natural_key(path.name))):
        number = number_of.get(file.stem)
        if number is None:
            raise FileNotFoundError(f'{file} has no frame of its name in {frames_folder}')
        if number + 1 == len(frames):
            raise ValueError(f'{file} belongs to the last frame in {frames_folder}, which leads to no other')
        pairs.append(
            dict(
                sample_id=f'{video}/{file.stem}',
                img1_path=str(frames[number]),
                img2_path=str(frames[number + 1]),
                flow_path=str(file),
            )
        )
    return pairs, gap


def _one_a_name(files: Sequence[Path]) -> Sequence[Path]:
    """Return the files, of which no two may differ in the suffix only."""
    first: dict[str, Path] = {}
    for file in files:
        if (other := first.setdefault(file.stem, file)) is not file:
            raise ValueError(f'{other} and {file.name} have the same name; remove one')
    return files
