"""Videos that came into a folder after its lists were written."""

from pathlib import Path

from mmvidext.datasets.annotation_lines import read_lines
from mmvidext.datasets.media.memory import checked_names
from mmvidext.datasets.own_data.class_folders import read_class_folders
from mmvidext.datasets.own_data.clips import SPLITS
from mmvidext.datasets.own_data.preparation import MEMORY, list_file

__all__ = ['unlisted_clips']


def unlisted_clips(root: Path, lists: Path) -> list[str]:
    """Return the videos below the folders of the classes that no list has; one that was found bad is no news.

    Args:
        root: The folder of the classes.
        lists: The folder that ``mmvidext data folder`` wrote to.

    Raises:
        FileNotFoundError: If there is no such folder, or no list.
        ValueError: If it holds no folder with videos, or a list is no text.
    """
    files = [path for split in SPLITS if (path := list_file(lists, split)).exists()]
    listed = {line.rpartition('\t')[0] for path in files for _, line in read_lines(str(path))}
    new = [clip.path for clip in read_class_folders(root).clips if clip.path not in listed]
    checked = checked_names(lists / MEMORY) if new else set()  # as the folder was named then
    return [path for path in new if not any(f'/{name}'.endswith(f'/{path}') for name in checked)]
