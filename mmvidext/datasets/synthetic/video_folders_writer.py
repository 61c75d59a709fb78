"""Generated videos as folders of frames and labels, as one's own data is kept."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mmvidext.datasets.media.images import write_picture
from mmvidext.datasets.parallel import map_with_progress
from mmvidext.datasets.synthetic.random_scene import SceneOptions, random_scene
from mmvidext.datasets.synthetic.recipe import claim_folder

__all__ = ['write_video_folders']


@dataclass(frozen=True)
class _Video:
    """Everything that one video is made from."""

    folder: Path
    split: str
    name: str
    options: SceneOptions
    seed: tuple[int, ...]

    def _path(self, kind: str, index: int, suffix: str) -> Path:
        return self.folder / kind / self.split / self.name / f'{index + 1}{suffix}'

    def is_complete(self) -> bool:
        """The last frame's labels are written last."""
        return self._path('labels', self.options.num_frames - 1, '.png').exists()

    def write(self) -> None:
        scene = random_scene(np.random.default_rng(self.seed), self.options)
        for index in range(self.options.num_frames):
            view = scene.view(index)
            write_picture(self._path('frames', index, '.jpg'), view.image)
            write_picture(self._path('labels', index, '.png'), view.classes)


def write_video_folders(
    folder: Path, options: SceneOptions, *, num_train: int = 60, num_val: int = 20, seed: int = 0, workers: int = 0
) -> None:
    """Write videos with exact labels of every frame.

    Makes ``frames/{split}/video_{number}/{frame}.jpg`` and ``labels/{split}/video_{number}/{frame}.png``, the frames
    counted from 1. Labels are ``trainId`` values of Cityscapes. A video that is already there is kept.

    Args:
        folder: Root of the data set; created if missing.
        options: What the scenes are like.
        num_train: Training videos.
        num_val: Validation videos.
        seed: Of everything random.
        workers: Processes; 0 works in this one.

    Raises:
        ValueError: If a count is negative, or the folder holds other files or some of other settings.
    """
    if min(num_train, num_val) < 0:
        raise ValueError(f'counts must be 0 or more, but num_train is {num_train} and num_val {num_val}')
    recipe = dict(format='video_folders', train=num_train, val=num_val, seed=seed)
    claim_folder(folder, {**recipe, **asdict(options)})
    videos = [
        _Video(folder, split, f'video_{number}', options, (seed, index, number))
        for index, (split, count) in enumerate({'train': num_train, 'val': num_val}.items())
        for number in range(count)
    ]
    missing = [video for video in videos if not video.is_complete()]
    map_with_progress(_Video.write, missing, description='Writing videos', workers=workers)
