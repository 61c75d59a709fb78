"""The form in which most people have their videos: a folder for each class."""

from pathlib import Path

from mmvidext.datasets.media.files import VIDEO_SUFFIXES, left_out
from mmvidext.datasets.own_data.clips import Clip, Listing, clips_below, split_folders, subfolders

__all__ = ['CLASS_FOLDERS', 'read_class_folders']

CLASS_FOLDERS = 'a folder for each class'


def read_class_folders(root: Path) -> Listing:
    """List ``root/CLASS/**``, or ``root/train/CLASS/**`` and ``root/val/CLASS/**``.

    A class holds videos of any container, or folders of pictures. Where it has a folder for each recording,
    ``CLASS/RECORDING/*``, the clips in it are of one recording.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no folder with videos, or one beside training and validation.
    """
    if not root.is_dir():
        raise FileNotFoundError(f'there is no folder {root}')
    tops = subfolders(root)
    splits = split_folders(tops, lambda top: any(clips_below(top)))
    folders: list[tuple[Path, str | None]] = [
        (inner, split) for top, split in splits.items() for inner in subfolders(top)
    ]
    folders += [(top, None) for top in tops if top not in splits]
    found = [(folder, split, list(clips_below(folder))) for folder, split in folders]
    notes = [f'{folder.relative_to(root)} holds no video and is no class' for folder, _, paths in found if not paths]
    notes += [note] if (note := left_out(root)) else []
    classes = list(dict.fromkeys(folder.name for folder, _, paths in found if paths))
    if not classes:
        direct = any(path.suffix.lower() in VIDEO_SUFFIXES for path in root.iterdir())
        raise ValueError(
            f'{root} holds {"videos, but no folder for each class" if direct else "no video"}: expected '
            f'{root / "CLASS" / "VIDEO.mp4"}, or a list of videos and classes (--annotations FILE)'
        )
    clips = [
        Clip(path.relative_to(root).as_posix(), classes.index(folder.name), _recording(path, folder), split)
        for folder, split, paths in found
        for path in paths
    ]
    form = CLASS_FOLDERS + (', already split' if splits else '')
    return Listing(form, root, classes, clips, notes)


def _recording(path: Path, class_folder: Path) -> str | None:
    return None if path.parent == class_folder else path.parent.relative_to(class_folder).as_posix()
