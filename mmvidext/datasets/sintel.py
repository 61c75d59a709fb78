"""MPI Sintel optical flow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset

from mmvidext.registry import DATASETS

__all__ = ['SintelDataset']

PASSES = ('clean', 'final')


@DATASETS.register_module()
class SintelDataset(BaseDataset):
    """MPI Sintel: consecutive frames of a film, with the flow from each to the next.

    Layout::

        data_root/training/
            clean/ final/          SCENE/frame_0001.png ...
            flow/                  SCENE/frame_0001.flo ...      from frame 1 to frame 2
            invalid/               SCENE/frame_0001.png ...      optional: not 0 where the flow is not to be trusted

    Args:
        data_root: The folder that holds ``training``.
        passes: The rendering passes to read: ``'clean'``, ``'final'`` or both.
        scenes: Names of the scenes to read; None reads all. Sintel has no official split of its training scenes.
        use_invalid: Whether to leave out the pixels that ``invalid/`` marks.
        **kwargs: ``pipeline``, ``test_mode``, ``indices`` and what else mmengine's ``BaseDataset`` takes.

    Raises:
        ValueError: If a pass is neither of the two, or a flow file has no number.
        FileNotFoundError: If a folder, a scene or a file is missing.
    """

    def __init__(
        self,
        data_root: str,
        *,
        passes: Sequence[str] = PASSES,
        scenes: Sequence[str] | None = None,
        use_invalid: bool = True,
        **kwargs: Any,
    ) -> None:
        passes = (passes,) if isinstance(passes, str) else tuple(passes)
        if not passes or not set(passes) <= set(PASSES):
            raise ValueError(f"passes must be among 'clean' and 'final', not {passes}")
        self.passes = passes
        self.scenes = scenes
        self.use_invalid = use_invalid
        super().__init__(data_root=data_root, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """List the pairs: pass by pass, scene by scene, frame by frame."""
        training = Path(self.data_root) / 'training'
        for folder in (*self.passes, 'flow'):
            if not (training / folder).is_dir():
                raise FileNotFoundError(f'{training / folder}: no such folder; data_root must hold training/{folder}')
        available = sorted(path.name for path in (training / 'flow').iterdir() if path.is_dir())
        missing = set(self.scenes or ()) - set(available)
        if missing:
            raise FileNotFoundError(f'{training / "flow"} has no scene {sorted(missing)}; it has {available}')
        scenes = [scene for scene in available if self.scenes is None or scene in self.scenes]
        pairs = [pair for name in self.passes for scene in scenes for pair in self._list_scene(training, name, scene)]
        if not pairs:
            raise FileNotFoundError(f'{training / "flow"} has no SCENE/frame_0001.flo: there is nothing to read')
        return pairs

    def _list_scene(self, training: Path, pass_name: str, scene: str) -> list[dict[str, Any]]:
        """List the pairs of one scene in one pass; the flow files say which there are."""
        pairs = []
        for flow in sorted((training / 'flow' / scene).glob('frame_*.flo')):
            digits = flow.stem.removeprefix('frame_')
            if not (digits.isascii() and digits.isdigit()):
                raise ValueError(f'{flow} must be named frame_NUMBER.flo, for example frame_0001.flo')
            number = int(digits)
            images = [training / pass_name / scene / f'frame_{number + step:04d}.png' for step in (0, 1)]
            for image in images:
                if not image.is_file():
                    raise FileNotFoundError(f'{image} is missing: {flow} needs it')
            invalid = training / 'invalid' / scene / f'{flow.stem}.png'
            pairs.append(
                dict(
                    img1_path=str(images[0]),
                    img2_path=str(images[1]),
                    flow_path=str(flow),
                    invalid_path=str(invalid) if self.use_invalid and invalid.is_file() else None,
                    sample_id=f'{pass_name}/{scene}/{flow.stem}',
                )
            )
        return pairs
