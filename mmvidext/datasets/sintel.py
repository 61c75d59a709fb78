"""MPI Sintel optical flow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvidext.datasets.flow_pairs import FlowPairDataset, match_stem
from mmvidext.datasets.media.files import visible
from mmvidext.registry import DATASETS

__all__ = ['SintelDataset']

PASSES = ('clean', 'final')
SPLITS = ('training', 'test')


@DATASETS.register_module()
class SintelDataset(FlowPairDataset):
    """MPI Sintel (Butler et al., ECCV 2012): consecutive frames of a film, with the flow from each to the next.

    Layout::

        data_root/training/
            clean/ final/          SCENE/frame_0001.png ...
            flow/                  SCENE/frame_0001.flo ...      from frame 1 to frame 2
            invalid/               SCENE/frame_0001.png ...      optional: not 0 where the flow is not to be trusted
            occlusions/            SCENE/frame_0001.png ...      optional: not 0 where frame 2 does not show the pixel
        data_root/test/
            clean/ final/          SCENE/frame_0001.png ...      no flow

    Args:
        data_root: The folder that holds ``training`` and ``test``.
        split: ``'training'`` or ``'test'``, whose flow is not published.
        passes: The rendering passes to read: ``'clean'``, ``'final'`` or both.
        scenes: The scenes to read, one name or several; None reads all. Sintel has no official split of its training
            scenes.
        use_invalid: Whether to leave out the pixels that ``invalid/`` marks.
        **kwargs: ``pipeline``, ``test_mode``, ``indices`` and what else mmengine's ``BaseDataset`` takes.

    Raises:
        ValueError: If a pass or the split is none of these, or a file of frames has no number.
        FileNotFoundError: If a folder, a scene or a file is missing.
    """

    layout = 'training/ or test/ with clean/SCENE/frame_0001.png, and training/flow/SCENE/frame_0001.flo'

    def __init__(
        self,
        data_root: str,
        *,
        split: str = 'training',
        passes: Sequence[str] = PASSES,
        scenes: str | Sequence[str] | None = None,
        use_invalid: bool = True,
        **kwargs: Any,
    ) -> None:
        passes = (passes,) if isinstance(passes, str) else tuple(passes)
        if not passes or not set(passes) <= set(PASSES):
            raise ValueError(f"passes must be among 'clean' and 'final', not {passes}")
        if split not in SPLITS:
            raise ValueError(f"split must be 'training' or 'test', not {split!r}")
        self.split = split
        self.passes = passes
        self.scenes = (scenes,) if isinstance(scenes, str) else scenes
        self.use_invalid = use_invalid
        super().__init__(data_root=data_root, **kwargs)

    def find_pairs(self) -> list[dict[str, Any]]:
        """List the pairs: pass by pass, scene by scene, frame by frame."""
        root = Path(self.data_root) / self.split
        # the flow says which pairs there are; without it, the frames do
        listed = 'flow' if self.split == 'training' else self.passes[0]
        for folder in (*self.passes, listed):
            if not (root / folder).is_dir():
                raise FileNotFoundError(f'{root / folder}: no such folder; data_root must hold {self.split}/{folder}')
        available = sorted(path.name for path in visible((root / listed).iterdir()) if path.is_dir())
        missing = set(self.scenes or ()) - set(available)
        if missing:
            raise FileNotFoundError(f'{root / listed} has no scene {sorted(missing)}; it has {available}')
        scenes = [scene for scene in available if self.scenes is None or scene in self.scenes]
        return [pair for name in self.passes for scene in scenes for pair in self._list_scene(root, name, scene)]

    def _list_scene(self, root: Path, pass_name: str, scene: str) -> list[dict[str, Any]]:
        if self.split == 'training':
            files = sorted((root / 'flow' / scene).glob('frame_*.flo'))
        else:
            files = sorted((root / pass_name / scene).glob('frame_*.png'))[:-1]
        naming = dict(layout='frame_NUMBER', example='frame_0001')
        numbers = [int(match_stem(file, 'frame_([0-9]{1,9})', **naming)[1]) for file in files]
        return [self._pair(root, pass_name, scene, number) for number in numbers]

    def _pair(self, root: Path, pass_name: str, scene: str, number: int) -> dict[str, Any]:
        frame = f'frame_{number:04d}'
        pair: dict[str, Any] = dict(
            img1_path=str(root / pass_name / scene / f'{frame}.png'),
            img2_path=str(root / pass_name / scene / f'frame_{number + 1:04d}.png'),
            sample_id=f'{pass_name}/{scene}/{frame}',
        )
        if self.split == 'training':
            pair['flow_path'] = str(root / 'flow' / scene / f'{frame}.flo')
            if self.use_invalid and (root / 'invalid').is_dir():
                pair['invalid_path'] = str(root / 'invalid' / scene / f'{frame}.png')
            if (root / 'occlusions').is_dir():
                pair['occluded_path'] = str(root / 'occlusions' / scene / f'{frame}.png')
        return pair
