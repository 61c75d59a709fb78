"""What a generated data set was made from, kept beside it so that a second run continues the same set."""

import json
from collections.abc import Mapping
from pathlib import Path

from mmvidext.datasets.atomic_write import atomic_write_text
from mmvidext.datasets.media.files import visible

__all__ = ['RECIPE_FILE', 'claim_folder']

RECIPE_FILE = 'synthetic.json'


def claim_folder(folder: Path, recipe: Mapping[str, object]) -> None:
    """Record the recipe in a new folder, or check that the folder holds the same recipe.

    Args:
        folder: Root of the data set.
        recipe: Everything that the files depend on; values that JSON can hold.

    Raises:
        ValueError: If the folder was filled with another recipe, or holds anything else.
    """
    path = folder / RECIPE_FILE
    wanted = json.loads(json.dumps(recipe))
    if not path.exists():
        if folder.is_dir() and (others := visible(folder.iterdir())):
            raise ValueError(f'{folder} holds other files, such as {others[0].name}: choose a new folder')
        atomic_write_text(path, json.dumps(wanted, indent=2) + '\n')
        return
    off = {name: value for name, value in wanted.items() if not value}
    try:
        found = {**off, **json.loads(path.read_bytes())}  # a setting that is newer than the folder was off
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f'{path} is damaged: choose another folder, or delete this one') from error
    if found != wanted:
        names = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
        changes = ', '.join(f'{name} {found.get(name)} (now {wanted.get(name)})' for name in names)
        raise ValueError(
            f'{folder} was filled with other settings: {changes}. Choose another folder, delete this one, or use the '
            f'settings in {path}'
        )
