"""Convert an official checkpoint, whose source is named or recognised."""

from mmvidext.checkpoints.layout import without_prefix
from mmvidext.checkpoints.source import Source, StateDict
from mmvidext.checkpoints.sources import SOURCES

__all__ = ['convert_checkpoint', 'find_source', 'source_names']


def source_names() -> tuple[str, ...]:
    """Return the names of all sources."""
    return tuple(source.name for source in SOURCES)


def _without_parallel_prefix(state_dict: StateDict) -> StateDict:
    """Drop the ``module.`` that ``DataParallel`` writes before every name."""
    return without_prefix(state_dict, 'module.')


def find_source(state_dict: StateDict) -> str | None:
    """Return the name of the source whose layout a state dict has, or None where it is no official one.

    Raises:
        ValueError: If more than one source claims it.
    """
    plain = _without_parallel_prefix(state_dict)
    names = [source.name for source in SOURCES if source.recognise(plain)]
    if len(names) > 1:
        raise ValueError(f'more than one source has these keys: {", ".join(names)}; name the right one')
    return names[0] if names else None


def _pick_source(state_dict: StateDict, name: str | None) -> Source:
    found = find_source(state_dict) if name is None else name
    keys = ', '.join(list(state_dict)[:3])
    if found is None:
        raise ValueError(
            f'no source has these keys ({keys}, ...): the file is not an official checkpoint of '
            f'{", ".join(source_names())}, or it is converted already'
        )
    for source in SOURCES:
        if source.name == found:
            if not source.recognise(_without_parallel_prefix(state_dict)):
                likely = find_source(state_dict)
                hint = f'; they are those of {likely!r}' if likely else ''
                raise ValueError(f'these keys ({keys}, ...) are not those of {name!r}{hint}')
            return source
    raise ValueError(f'unknown source {name!r}; valid are {", ".join(source_names())}')


def convert_checkpoint(state_dict: StateDict, source: str | None = None) -> StateDict:
    """Bring official weights into the layout of our models.

    Args:
        state_dict: Official tensors by name, for example from :func:`load_checkpoint_file`.
        source: One of :func:`source_names`. None recognises it from the keys.

    Returns:
        The same tensors under the names of a whole model here: ``backbone.*`` and ``cls_head.*`` for a recogniser.

    Raises:
        ValueError: If the source is unknown, is not that of these keys or cannot be recognised; if a tensor is missing,
            left over or of the wrong shape. The message names it.

    Example:
        >>> weights = load_checkpoint_file('r2plus1d_18-91a641e6.pth')
        >>> recognizer.load_state_dict(convert_checkpoint(weights, 'torchvision_video'))
    """
    chosen = _pick_source(state_dict, source)
    return chosen.convert(_without_parallel_prefix(state_dict))
