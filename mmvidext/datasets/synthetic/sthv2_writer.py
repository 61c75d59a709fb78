"""Generated clips in the format of Something-Something V2."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmvidext.datasets.atomic_write import atomic_write_text
from mmvidext.datasets.parallel import map_with_progress
from mmvidext.datasets.synthetic.motion import CAMERA_TURNS, MOTIONS, Motion
from mmvidext.datasets.synthetic.motion_scene import OBJECTS, camera_scene, motion_scene
from mmvidext.datasets.synthetic.picture_camera import CAMERA_MOTIONS
from mmvidext.datasets.synthetic.picture_clip import list_textures, picture_clip
from mmvidext.datasets.synthetic.recipe import claim_folder
from mmvidext.datasets.synthetic.video_file import write_webm

__all__ = ['write_sthv2']

FRAMES_PER_SECOND = 12  # of Something-Something V2


_SPLITS = ('train', 'validation')
_VALIDATION_SHARE = 6  # of so many textures one is for validation


Render = Callable[..., Iterator[NDArray[np.uint8]]]


@dataclass(frozen=True)
class _Kind:
    """What the clips show.

    Attributes:
        motions: All labels.
        shown: Those of them that are written.
        render: What renders a clip of the training and of the validation split.
        recipe: How the set is told from another one.
    """

    motions: tuple[Motion, ...]
    shown: list[int]
    render: dict[str, Render]
    recipe: dict[str, object]


@dataclass(frozen=True)
class _Clip:
    """Everything that one video is made from."""

    folder: Path
    video_id: int
    label: int
    motion: Motion
    shape: str
    size: tuple[int, int]
    num_frames: int
    seed: int
    render: Render

    @property
    def path(self) -> Path:
        return self.folder / f'{self.video_id}.webm'

    def write(self) -> None:
        rng = np.random.default_rng([self.seed, self.video_id])
        frames = self.render(rng, self.label, shape=self.shape, size=self.size, num_frames=self.num_frames)
        write_webm(self.path, frames, size=self.size, fps=FRAMES_PER_SECOND)

    def annotation(self) -> dict[str, object]:
        thing = f'an {self.shape}' if self.shape[0] in 'aeiou' else f'a {self.shape}'
        return {
            'id': str(self.video_id),
            'label': self.motion.template.replace('[something]', thing).lower(),
            'template': self.motion.template,
            'placeholders': [thing],
        }


def _render_motion(rng: np.random.Generator, label: int, **options: Any) -> Iterator[NDArray[np.uint8]]:
    scene = motion_scene(rng, label, **options)
    return (scene.view(frame).image for frame in range(scene.num_frames))


def _render_camera(rng: np.random.Generator, label: int, **options: Any) -> Iterator[NDArray[np.uint8]]:
    scene = camera_scene(rng, label, **options)
    return (scene.view(frame).image for frame in range(scene.num_frames))


def _kind(*, travel_only: bool, camera: bool, textures: Path | None) -> _Kind:
    if travel_only + camera + (textures is not None) > 1:
        raise ValueError('travel_only, camera and textures ask for clips of different kinds: choose one')
    if textures is not None:
        pictures = list_textures(textures)
        val = pictures[1::_VALIDATION_SHARE]
        own = {'train': [path for path in pictures if path not in val], 'validation': val}
        render: dict[str, Render] = {split: partial(picture_clip, textures=paths) for split, paths in own.items()}
        recipe: dict[str, object] = {'textures': [path.name for path in pictures]}
        return _Kind(CAMERA_MOTIONS, list(range(len(CAMERA_MOTIONS))), render, recipe)
    motions = CAMERA_TURNS if camera else MOTIONS
    return _Kind(
        motions,
        [label for label, motion in enumerate(motions) if not (travel_only and motion.zoom)],
        dict.fromkeys(_SPLITS, _render_camera if camera else _render_motion),
        {name: True for name, on in dict(travel_only=travel_only, camera=camera).items() if on},
    )


def _balanced(rng: np.random.Generator, count: int, num_choices: int) -> list[int]:
    """Return ``count`` shuffled choices, each as often as any other, give or take one."""
    return [int(choice) for choice in rng.permutation(np.arange(count) % num_choices)]


def write_sthv2(
    folder: Path,
    *,
    num_train: int = 600,
    num_val: int = 160,
    size: tuple[int, int] = (128, 96),
    num_frames: int = 20,
    travel_only: bool = False,
    camera: bool = False,
    textures: Path | None = None,
    seed: int = 0,
    workers: int = 0,
) -> None:
    """Write clips whose labels need motion, laid out as the official download of Something-Something V2.

    Makes ``videos/<id>.webm`` and ``something-something-v2-{train,validation,labels}.json``. A video that is already
    there is kept, so a run that was interrupted continues where it stopped. The pictures depend on ``seed`` alone.

    Args:
        folder: Root of the data set; created if missing.
        num_train: Training clips.
        num_val: Validation clips.
        size: ``(width, height)`` in pixels, both even (VP9 halves the resolution of color).
        num_frames: Frames of each clip.
        travel_only: Leave out the motions toward and away from the camera, which take a network longest to distinguish.
        camera: The camera moves and not the object: four other labels, which are easier to learn.
        textures: A folder of photographs, over which the camera moves, comes closer, goes away or stays: seven labels,
            and clips that look like filmed ones. Every sixth photograph is for the validation clips alone.
        seed: Of everything random.
        workers: Processes; 0 works in this one.

    Raises:
        ValueError: If a number is out of range, more than one kind of clips is asked for, there are no textures, or
            the folder holds other files or some of other settings.
    """
    if min(num_train, num_val) < 0 or num_frames < 2 or min(size) < 16 or any(side % 2 for side in size):
        raise ValueError(
            'clips need at least 2 frames, even sides of at least 16 pixels, and counts of 0 or more, but num_train is '
            f'{num_train}, num_val {num_val}, num_frames {num_frames}, size {size}'
        )
    kind = _kind(travel_only=travel_only, camera=camera, textures=textures)
    recipe = dict(format='sthv2', train=num_train, val=num_val, size=size, frames=num_frames, seed=seed)
    claim_folder(folder, {**recipe, **kind.recipe})
    clips: dict[str, list[_Clip]] = {}
    for number, (split, count) in enumerate(zip(_SPLITS, (num_train, num_val), strict=True)):
        rng = np.random.default_rng([seed, number])
        choices = zip(_balanced(rng, count, len(kind.shown)), _balanced(rng, count, len(OBJECTS)), strict=True)
        clips[split] = []
        for video_id, (place, shape) in enumerate(choices, start=1 + number * num_train):
            label = kind.shown[place]
            what = (label, kind.motions[label], OBJECTS[shape], size, num_frames, seed, kind.render[split])
            clips[split].append(_Clip(folder / 'videos', video_id, *what))
    missing = [clip for split in clips.values() for clip in split if not clip.path.exists()]
    map_with_progress(_Clip.write, missing, description='Writing clips', workers=workers)
    labels = {kind.motions[label].name: str(index) for index, label in enumerate(kind.shown)}
    annotations = {split: [clip.annotation() for clip in clips[split]] for split in clips}
    for name, content in {**annotations, 'labels': labels}.items():
        atomic_write_text(folder / f'something-something-v2-{name}.json', json.dumps(content, indent=0) + '\n')
