"""Generated pairs with exact flow in the layout of FlyingChairs."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mmvidext.datasets.atomic_write import atomic_path, atomic_write_text
from mmvidext.datasets.flow_io import write_flo
from mmvidext.datasets.media.images import write_picture
from mmvidext.datasets.parallel import map_with_progress
from mmvidext.datasets.synthetic.random_scene import SceneOptions, random_scene
from mmvidext.datasets.synthetic.recipe import claim_folder

__all__ = ['write_flying_chairs']

TRAIN, VAL = 1, 2  # in FlyingChairs_train_val.txt


@dataclass(frozen=True)
class _Pair:
    """Everything that one pair is made from."""

    folder: Path
    number: int
    options: SceneOptions
    seed: int

    def _path(self, suffix: str) -> Path:
        return self.folder / 'data' / f'{self.number:05d}_{suffix}'

    def is_complete(self) -> bool:
        """The flow is written last."""
        return self._path('flow.flo').exists()

    def write(self) -> None:
        scene = random_scene(np.random.default_rng([self.seed, self.number]), self.options)
        for frame in (0, 1):
            write_picture(self._path(f'img{frame + 1}.ppm'), scene.view(frame).image)
        with atomic_path(self._path('flow.flo')) as temporary:
            write_flo(temporary, scene.flow(0))


def write_flying_chairs(
    folder: Path, options: SceneOptions, *, num_train: int = 800, num_val: int = 80, seed: int = 0, workers: int = 0
) -> None:
    """Write pairs of frames and the exact flow from the first to the second.

    Makes ``data/{number:05d}_img1.ppm``, ``_img2.ppm``, ``_flow.flo`` and ``FlyingChairs_train_val.txt``, in which the
    validation pairs are spread at random. A pair that is already there is kept.

    Args:
        folder: Stands for ``FlyingChairs_release``; created if missing.
        options: What the scenes are like; ``num_frames`` must be 2.
        num_train: Training pairs.
        num_val: Validation pairs.
        seed: Of everything random.
        workers: Processes; 0 works in this one.

    Raises:
        ValueError: If a count is negative, there are not 2 frames, or the folder holds other files or some of
            other settings.
    """
    if min(num_train, num_val) < 0 or options.num_frames != 2:
        raise ValueError(
            f'pairs have 2 frames and counts must be 0 or more, but num_frames is {options.num_frames}, num_train '
            f'{num_train} and num_val {num_val}'
        )
    claim_folder(folder, {**dict(format='flying-chairs', train=num_train, val=num_val, seed=seed), **asdict(options)})
    pairs = [_Pair(folder, number, options, seed) for number in range(1, num_train + num_val + 1)]
    missing = [pair for pair in pairs if not pair.is_complete()]
    map_with_progress(_Pair.write, missing, description='Writing pairs', workers=workers)
    codes = np.random.default_rng(seed).permutation([TRAIN] * num_train + [VAL] * num_val)
    atomic_write_text(folder / 'FlyingChairs_train_val.txt', ''.join(f'{code}\n' for code in codes))
