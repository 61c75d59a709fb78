"""What a model around an image model takes from it: its checkpoints and the config of its data preprocessor."""

from functools import partial
from typing import Any

from mmengine.registry import Registry
from torch import nn

__all__ = ['accept_plain_checkpoint', 'clip_preprocessor']


def accept_plain_checkpoint(model: nn.Module, inner: str) -> None:
    """Let a checkpoint of the plain image model load into the one around it, whose other parts keep their values.

    Args:
        model: The model around it.
        inner: Name of the attribute that holds the image model.
    """
    model.register_load_state_dict_pre_hook(partial(_rename, inner))


def _rename(inner: str, module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    own = [key for key in state_dict if key.startswith(prefix)]
    if any(key.startswith(f'{prefix}backbone.') for key in own):
        for key in own:
            state_dict[f'{prefix}{inner}.{key.removeprefix(prefix)}'] = state_dict.pop(key)


def clip_preprocessor(
    config: dict[str, Any] | None, registry: Registry, *, of_images: type, of_clips: type
) -> dict[str, Any]:
    """Return the config of a data preprocessor of clips, from one of images too: the arguments are the same.

    Args:
        config: Of either; None is one of clips with its defaults.
        registry: Where its name is looked up.
        of_images: The toolbox's class.
        of_clips: Ours.

    Raises:
        ValueError: If it is of another class.
    """
    config = dict(config or {})
    kind = config.pop('type', of_images)
    kind = registry.get(kind) if isinstance(kind, str) else kind
    if kind is of_images or (isinstance(kind, type) and issubclass(kind, of_clips)):
        return {**config, 'type': of_clips if kind is of_images else kind}
    raise ValueError(
        f'data_preprocessor must be a mmvidext.{of_clips.__name__}, which knows clips, or a {of_images.__name__}, '
        f'whose arguments it takes, but it is a {getattr(kind, "__name__", kind)}'
    )
