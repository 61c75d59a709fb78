"""FlyingThings3D optical flow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvidext.datasets.flow_pairs import FlowPairDataset, match_stem
from mmvidext.datasets.media.files import visible
from mmvidext.registry import DATASETS

__all__ = ['FlyingThings3DDataset']

SPLITS = ('TRAIN', 'TEST')
PASSES = ('clean', 'final')
CAMERAS = ('left', 'right')
DIRECTIONS = {'into_future': ('IntoFuture', 1), 'into_past': ('IntoPast', -1)}


@DATASETS.register_module()
class FlyingThings3DDataset(FlowPairDataset):
    """FlyingThings3D (Mayer et al., CVPR 2016): consecutive frames, with the flow to the next and to the last frame.

    Layout::

        data_root/
            frames_cleanpass/ frames_finalpass/     TRAIN/A/0000/left/0006.png ...
            optical_flow/TRAIN/A/0000/into_future/left/OpticalFlowIntoFuture_0006_L.pfm ...      and into_past

    A flow whose second frame does not exist, as that of the last frame into the future, is left out.

    Args:
        data_root: The folder that holds these.
        split: ``'TRAIN'`` or ``'TEST'``.
        passes: ``'clean'``, ``'final'`` or both.
        cameras: ``'left'``, ``'right'`` or both.
        directions: ``'into_future'``, ``'into_past'`` or both.
        **kwargs: ``pipeline``, ``test_mode``, ``indices`` and what else mmengine's ``BaseDataset`` takes.

    Raises:
        ValueError: If an argument is none of these.
        FileNotFoundError: If there is no pair, or a file of one is missing.
    """

    layout = (
        'frames_cleanpass/TRAIN/A/0000/left/0006.png and '
        'optical_flow/TRAIN/A/0000/into_future/left/OpticalFlowIntoFuture_0006_L.pfm'
    )

    def __init__(
        self,
        data_root: str,
        *,
        split: str = 'TRAIN',
        passes: Sequence[str] = PASSES,
        cameras: Sequence[str] = CAMERAS,
        directions: Sequence[str] = tuple(DIRECTIONS),
        **kwargs: Any,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split must be 'TRAIN' or 'TEST', not {split!r}")
        self.split = split
        self.passes = _chosen('passes', passes, PASSES)
        self.cameras = _chosen('cameras', cameras, CAMERAS)
        self.directions = _chosen('directions', directions, tuple(DIRECTIONS))
        super().__init__(data_root=data_root, **kwargs)

    def find_pairs(self) -> list[dict[str, Any]]:
        """List the pairs: pass by pass, camera by camera, direction by direction, scene by scene, frame by frame."""
        return [
            pair
            for name in self.passes
            for camera in self.cameras
            for direction in self.directions
            for scene in sorted(visible(Path(self.data_root, 'optical_flow', self.split).glob('*/*')))
            for pair in self._scene(name, camera, direction, scene)
        ]

    def _scene(self, pass_name: str, camera: str, direction: str, scene: Path) -> list[dict[str, Any]]:
        label, step = DIRECTIONS[direction]
        place = f'{self.split}/{scene.parent.name}/{scene.name}'
        frames = Path(self.data_root, f'frames_{pass_name}pass', place, camera)
        pairs = []
        start, end = f'OpticalFlow{label}_', f'_{camera[0].upper()}'
        for flow in sorted((scene / direction / camera).glob(f'{start}*{end}.pfm')):
            naming = dict(layout=f'{start}NUMBER{end}', example=f'{start}0006{end}')
            number = int(match_stem(flow, f'{start}([0-9]{{1,9}}){end}', **naming)[1])
            second, third = (frames / f'{number + count * step:04d}.png' for count in (1, 2))
            if not second.is_file() and not third.is_file():  # the scene ends here
                continue
            pairs.append(
                dict(
                    img1_path=str(frames / f'{number:04d}.png'),
                    img2_path=str(second),
                    flow_path=str(flow),
                    sample_id=f'{pass_name}/{place}/{camera}/{flow.stem}',
                )
            )
        return pairs


def _chosen(name: str, values: Sequence[str], known: tuple[str, ...]) -> tuple[str, ...]:
    values = (values,) if isinstance(values, str) else tuple(values)
    if not values or not set(values) <= set(known):
        raise ValueError(f'{name} must be among {known}, not {values}')
    return values
