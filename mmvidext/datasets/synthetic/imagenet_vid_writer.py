"""Generated videos in the layout of ImageNet VID: boxes with track ids."""

from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from mmvidext.datasets.atomic_write import atomic_write_text
from mmvidext.datasets.imagenet_vid_classes import VID_CLASSES
from mmvidext.datasets.media.images import write_picture
from mmvidext.datasets.parallel import map_with_progress
from mmvidext.datasets.synthetic.random_scene import THINGS, SceneOptions, random_scene
from mmvidext.datasets.synthetic.recipe import claim_folder
from mmvidext.datasets.synthetic.scene import View

__all__ = ['GENERATED_CLASSES', 'write_imagenet_vid']

GENERATED_CLASSES = ('bicycle', 'bus', 'car', 'bird', 'dog', 'horse', 'sheep')  # what THINGS stand for, one each
_CLASS_OF = {kind.train_id: VID_CLASSES[name] for kind, name in zip(THINGS, GENERATED_CLASSES, strict=True)}
LEAST_PIXELS = 30  # visible, of an object that is annotated
TRAIN_FRAMES = 15  # listed of each training video, as in the real list


@dataclass(frozen=True)
class _Video:
    """Everything that one video is made from."""

    folder: Path
    name: str
    options: SceneOptions
    seed: tuple[int, ...]

    def _path(self, kind: str, frame: int, suffix: str) -> Path:
        return self.folder / kind / 'VID' / self.name / f'{frame:06d}.{suffix}'

    def is_complete(self) -> bool:
        """The last frame's annotation is written last."""
        return self._path('Annotations', self.options.num_frames - 1, 'xml').exists()

    def write(self) -> None:
        scene = random_scene(np.random.default_rng(self.seed), self.options)
        for frame in range(self.options.num_frames):
            view = scene.view(frame)
            write_picture(self._path('Data', frame, 'JPEG'), view.image)
            atomic_write_text(self._path('Annotations', frame, 'xml'), _annotation(view))


def _annotation(view: View) -> str:
    """Return the XML of a frame; a box bounds what is visible of an object."""
    height, width = view.layers.shape
    root = ElementTree.Element('annotation')
    size = ElementTree.SubElement(root, 'size')
    _add(size, width=width, height=height)
    for track, count in zip(*np.unique(view.layers, return_counts=True), strict=True):
        rows, columns = np.nonzero(view.layers == track)
        if track == 0 or count < LEAST_PIXELS:
            continue
        node = ElementTree.SubElement(root, 'object')
        _add(node, trackid=int(track), name=_CLASS_OF[int(view.classes[rows[0], columns[0]])])
        box = ElementTree.SubElement(node, 'bndbox')
        _add(box, xmax=columns.max(), xmin=columns.min(), ymax=rows.max(), ymin=rows.min())
        _add(node, occluded=0, generated=0)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding='unicode') + '\n'


def _add(node: ElementTree.Element, **fields: object) -> None:
    for name, value in fields.items():
        ElementTree.SubElement(node, name).text = str(value)


def write_imagenet_vid(
    folder: Path, options: SceneOptions, *, num_train: int = 120, num_val: int = 30, seed: int = 0, workers: int = 0
) -> None:
    """Write videos with the boxes and track ids of every frame.

    Makes ``Data/VID``, ``Annotations/VID`` and in ``ImageSets`` the lists ``VID_train_15frames.txt`` (up to 15 frames
    of each video, evenly spaced) and ``VID_val_videos.txt``. A box bounds the visible part of an object; one with fewer
    than 30 visible pixels is left out. A video that is already there is kept.

    Args:
        folder: Root of the data set; created if missing.
        options: What the scenes are like, without thin objects: these have no class here.
        num_train: Training videos.
        num_val: Validation videos.
        seed: Of everything random.
        workers: Processes; 0 works in this one.

    Raises:
        ValueError: If a count is negative, there are thin objects, or the folder holds other files or some
            of other settings.
    """
    if min(num_train, num_val) < 0 or options.thin_objects:
        raise ValueError(
            f'counts must be 0 or more and thin objects 0, but num_train is {num_train}, num_val {num_val} and '
            f'thin_objects {options.thin_objects}'
        )
    claim_folder(folder, {**dict(format='imagenet-vid', train=num_train, val=num_val, seed=seed), **asdict(options)})
    names = {
        'train': [f'train/generated/train_{number:08d}' for number in range(num_train)],
        'val': [f'val/val_{number:08d}' for number in range(num_val)],
    }
    videos = [
        _Video(folder, name, options, (seed, index, number))
        for index, split in enumerate(names.values())
        for number, name in enumerate(split)
    ]
    missing = [video for video in videos if not video.is_complete()]
    map_with_progress(_Video.write, missing, description='Writing videos', workers=workers)
    length = options.num_frames
    listed = np.unique(np.linspace(0, length - 1, min(TRAIN_FRAMES, length)).round().astype(int))
    train = [f'{name} 1 {frame} {length}' for name in names['train'] for frame in listed]
    val = [f'{name} {number * length + 1} 0 {length}' for number, name in enumerate(names['val'])]
    for name, lines in {'VID_train_15frames.txt': train, 'VID_val_videos.txt': val}.items():
        atomic_write_text(folder / 'ImageSets' / name, ''.join(f'{line}\n' for line in lines))
