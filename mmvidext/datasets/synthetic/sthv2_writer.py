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


_VALIDATION_SHARE = 6  # of so many textures one is for validation


@dataclass(frozen=True)
class _Clip:
    """Everything that one video is made from."""

    folder: Path
    video_id: int
    label: int
    template: str
    shape: str
    size: tuple[int, int]
    num_frames: int
    seed: int
    render: Callable[..., Iterator[NDArray[np.uint8]]]

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
            'label': self.template.replace('[something]', thing).lower(),
            'template': self.template,
            'placeholders': [thing],
        }


def _render_motion(rng: np.random.Generator, label: int, **options: Any) -> Iterator[NDArray[np.uint8]]:
    scene = motion_scene(rng, label, **options)
    return (scene.view(frame).image for frame in range(scene.num_frames))


def _render_camera(rng: np.random.Generator, label: int, **options: Any) -> Iterator[NDArray[np.uint8]]:
    scene = camera_scene(rng, label, **options)
    return (scene.view(frame).image for frame in range(scene.num_frames))


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
            the folder was filled with other settings.
    """
    if min(num_train, num_val) < 0 or num_frames < 2 or min(size) < 16 or any(side % 2 for side in size):
        raise ValueError(
            'clips need at least 2 frames, even sides of at least 16 pixels, and counts of 0 or more, but num_train is '
            f'{num_train}, num_val {num_val}, num_frames {num_frames}, size {size}'
        )
    if travel_only + camera + (textures is not None) > 1:
        raise ValueError('travel_only, camera and textures ask for clips of different kinds: choose one')
    recipe: dict[str, object] = dict(
        format='sthv2', train=num_train, val=num_val, size=size, frames=num_frames, seed=seed
    )
    pictures = list_textures(textures) if textures else []
    recipe |= {name: True for name, on in dict(travel_only=travel_only, camera=camera).items() if on}
    recipe |= {'textures': [path.name for path in pictures]} if pictures else {}
    motions: tuple[Motion, ...] = CAMERA_MOTIONS if pictures else CAMERA_TURNS if camera else MOTIONS
    shown = [label for label, motion in enumerate(motions) if not (travel_only and motion.zoom)]
    claim_folder(folder, recipe)
    clips: dict[str, list[_Clip]] = {}
    for number, (split, count) in enumerate({'train': num_train, 'validation': num_val}.items()):
        rng = np.random.default_rng([seed, number])
        choices = zip(_balanced(rng, count, len(shown)), _balanced(rng, count, len(OBJECTS)), strict=True)
        render = _render_camera if camera else _render_motion
        if pictures:
            is_val = [index % _VALIDATION_SHARE == 1 for index in range(len(pictures))]
            own = [path for path, val in zip(pictures, is_val, strict=True) if val == (split == 'validation')]
            render = partial(picture_clip, textures=own)
        clips[split] = [
            _Clip(
                folder / 'videos',
                video_id,
                shown[label],
                motions[shown[label]].template,
                OBJECTS[shape],
                size,
                num_frames,
                seed,
                render,
            )
            for video_id, (label, shape) in enumerate(choices, start=1 + number * num_train)
        ]
    missing = [clip for split in clips.values() for clip in split if not clip.path.exists()]
    map_with_progress(_Clip.write, missing, description='Writing clips', workers=workers)
    labels = {motions[label].name: str(index) for index, label in enumerate(shown)}
    annotations = {split: [clip.annotation() for clip in clips[split]] for split in clips}
    for name, content in {**annotations, 'labels': labels}.items():
        atomic_write_text(folder / f'something-something-v2-{name}.json', json.dumps(content, indent=0) + '\n')
