"""KITTI 2012 and 2015 optical flow, and HD1K, which uses the same files."""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from mmvidext.datasets.flow_pairs import FlowPairDataset, match_stem
from mmvidext.datasets.media.files import visible
from mmvidext.registry import DATASETS

__all__ = ['HD1KDataset', 'KITTIFlowDataset']

SPLITS = ('training', 'testing')
IMAGE_FOLDERS = {'2012': ('colored_0', 'image_0'), '2015': ('image_2',)}


@DATASETS.register_module()
class KITTIFlowDataset(FlowPairDataset):
    """The flow benchmarks of KITTI (Geiger et al., CVPR 2012; Menze and Geiger, CVPR 2015).

    Layout::

        data_root/training/                       (data_stereo_flow of 2012, data_scene_flow of 2015)
            image_2/   000000_10.png  000000_11.png      2012: colored_0/, or image_0/ in gray
            flow_occ/  000000_10.png                     every known vector
            flow_noc/  000000_10.png                     optional: the pixels that both images show
        data_root/testing/                        no flow

    Args:
        data_root: The folder that holds ``training`` and ``testing``.
        year: ``'2012'`` or ``'2015'``.
        split: ``'training'`` (200 pairs in 2015, 194 in 2012) or ``'testing'``, whose flow is not published.
        **kwargs: ``pipeline``, ``test_mode``, ``indices`` and what else mmengine's ``BaseDataset`` takes.

    Raises:
        ValueError: If ``year`` or ``split`` is none of these.
        FileNotFoundError: If there is no pair, or a file of one is missing.
    """

    layout = 'training/ or testing/ with image_2/000000_10.png (2012: colored_0/ or image_0/) and flow_occ/'

    def __init__(self, data_root: str, *, year: str = '2015', split: str = 'training', **kwargs: Any) -> None:
        if year not in IMAGE_FOLDERS:
            raise ValueError(f"year must be '2012' or '2015', not {year!r}")
        if split not in SPLITS:
            raise ValueError(f"split must be 'training' or 'testing', not {split!r}")
        self.year = year
        self.split = split
        super().__init__(data_root=data_root, **kwargs)

    def find_pairs(self) -> list[dict[str, Any]]:
        """List the pairs in the order of their numbers."""
        root = Path(self.data_root) / self.split
        folders = [root / name for name in IMAGE_FOLDERS[self.year] if (root / name).is_dir()]
        return [self._pair(root, first) for folder in folders[:1] for first in sorted(visible(folder.glob('*_10.png')))]

    def _pair(self, root: Path, first: Path) -> dict[str, Any]:
        pair: dict[str, Any] = dict(
            img1_path=str(first),
            img2_path=str(first.with_name(first.name.replace('_10.png', '_11.png'))),
            sample_id=f'{self.year}/{first.stem}',
        )
        if self.split == 'training':
            pair['flow_path'] = str(root / 'flow_occ' / first.name)
            if (root / 'flow_noc').is_dir():
                pair['matched_path'] = str(root / 'flow_noc' / first.name)
        return pair


@DATASETS.register_module()
class HD1KDataset(FlowPairDataset):
    """HD1K (Kondermann et al., CVPR Workshops 2016): consecutive frames of driving scenes, flow in KITTI's format.

    Layout::

        data_root/
            hd1k_input/image_2/         000000_0010.png ...      SCENE_FRAME
            hd1k_flow_gt/flow_occ/      000000_0010.png ...      from this frame to the next of the scene

    The flow of a scene's last frame leads out of it and is left out.

    Args:
        data_root: The folder that holds the two.
        **kwargs: ``pipeline``, ``test_mode``, ``indices`` and what else mmengine's ``BaseDataset`` takes.

    Raises:
        FileNotFoundError: If there is no pair, or a file of one is missing.
        ValueError: If a file of ``flow_occ`` is named otherwise.
    """

    layout = 'hd1k_input/image_2/000000_0010.png and hd1k_flow_gt/flow_occ/000000_0010.png'

    def __init__(self, data_root: str, **kwargs: Any) -> None:
        super().__init__(data_root=data_root, **kwargs)

    def find_pairs(self) -> list[dict[str, Any]]:
        """List the pairs, scene by scene, frame by frame."""
        images, flows = Path(self.data_root, 'hd1k_input/image_2'), Path(self.data_root, 'hd1k_flow_gt/flow_occ')
        scenes = defaultdict(list)
        for flow in visible(flows.glob('*_*.png')):
            named = match_stem(flow, '([0-9]+)_([0-9]{1,9})', layout='SCENE_FRAME', example='000000_0010')
            scenes[named[1]].append((int(named[2]), flow))
        pairs = []
        for scene in sorted(scenes):
            frames = sorted(scenes[scene])
            for (number, flow), (following, next_flow) in pairwise(frames):
                if following != number + 1:
                    raise FileNotFoundError(
                        f'{flows}: frame {number} of scene {scene} is followed by frame {following}; the flow of the '
                        'frames between is missing'
                    )
                pairs.append(
                    dict(
                        img1_path=str(images / flow.name),
                        img2_path=str(images / next_flow.name),
                        flow_path=str(flow),
                        sample_id=flow.stem,
                    )
                )
        return pairs
