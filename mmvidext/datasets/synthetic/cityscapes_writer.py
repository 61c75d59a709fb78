"""Generated snippets in the layout of Cityscapes with its image sequences."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mmvidext.datasets.media.images import write_picture
from mmvidext.datasets.parallel import map_with_progress
from mmvidext.datasets.synthetic.random_scene import SceneOptions, random_scene
from mmvidext.datasets.synthetic.recipe import claim_folder

__all__ = ['write_cityscapes']

CITY = 'generated'
USUAL_POSITION = 19 / 30  # of the labeled frame in its snippet


@dataclass(frozen=True)
class _Snippet:
    """Everything that one snippet is made from."""

    folder: Path
    split: str
    number: int
    options: SceneOptions
    label_every_frame: bool
    seed: tuple[int, ...]

    @property
    def _numbers(self) -> tuple[int, int]:
        """Return the number of the first frame and the labeled one's place in the snippet."""
        rng = np.random.default_rng([*self.seed, 1])
        last = self.options.num_frames - 1
        usual = int(USUAL_POSITION * self.options.num_frames)
        if rng.random() < 0.63:  # as in the real data, where most snippets are alike but not all
            return 0, usual
        return int(rng.integers(1, 1000)), int(rng.integers(last // 2, last + 1))

    def _path(self, kind: str, position: int, suffix: str) -> Path:
        stem = f'{CITY}_{self.number:06d}_{self._numbers[0] + position:06d}'
        return self.folder / kind / self.split / CITY / f'{stem}_{suffix}.png'

    def _label_path(self, position: int) -> Path:
        return self._path('gtFine', position, 'gtFine_labelTrainIds')

    def is_complete(self) -> bool:
        """The labeled frame's labels are written last."""
        return self._label_path(self._numbers[1]).exists()

    def write(self) -> None:
        scene = random_scene(np.random.default_rng([*self.seed, 0]), self.options)
        labeled = self._numbers[1]
        for position in range(self.options.num_frames):
            view = scene.view(position)
            write_picture(self._path('leftImg8bit_sequence', position, 'leftImg8bit'), view.image)
            if self.label_every_frame and position != labeled:
                write_picture(self._label_path(position), view.classes)
        write_picture(self._label_path(labeled), scene.view(labeled).classes)


def write_cityscapes(
    folder: Path,
    options: SceneOptions,
    *,
    num_train: int = 120,
    num_val: int = 40,
    label_every_frame: bool = False,
    seed: int = 0,
    workers: int = 0,
) -> None:
    """Write snippets with exact labels.

    Makes ``leftImg8bit_sequence/{split}/generated/generated_{number:06d}_{frame:06d}_leftImg8bit.png`` and
    ``gtFine/{split}/generated/..._gtFine_labelTrainIds.png`` for the labeled frame of each snippet, which is usually,
    but not always, the 20th of 30. A snippet that is already there is kept. The pictures depend on ``seed`` and
    ``options`` alone.

    Args:
        folder: Root of the data set; created if missing.
        options: What the scenes are like.
        num_train: Training snippets.
        num_val: Validation snippets.
        label_every_frame: Also write the labels of the other frames.
        seed: Of everything random.
        workers: Processes; 0 works in this one.

    Raises:
        ValueError: If a count is negative, or the folder holds other files or some of other settings.
    """
    if min(num_train, num_val) < 0:
        raise ValueError(f'counts must be 0 or more, but num_train is {num_train} and num_val {num_val}')
    recipe = dict(format='cityscapes', train=num_train, val=num_val, all_labels=label_every_frame, seed=seed)
    claim_folder(folder, {**recipe, **asdict(options)})
    snippets = [
        _Snippet(folder, split, number, options, label_every_frame, (seed, index, number))
        for index, (split, count) in enumerate({'train': num_train, 'val': num_val}.items())
        for number in range(count)
    ]
    missing = [snippet for snippet in snippets if not snippet.is_complete()]
    map_with_progress(_Snippet.write, missing, description='Writing snippets', workers=workers)
