"""Build the model of a config, with one error for whatever is wrong with it."""

from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

__all__ = ['build_model']


def build_model(config: Config, *, default_scope: str) -> Any:
    """Build the model of a config.

    Args:
        config: The config.
        default_scope: Where names without a scope are looked up, if the config does not say so.

    Raises:
        ImportError: If the model needs a package that is not installed.
        ValueError: If the config has no model, or it cannot be built.
    """
    name, model = config.filename or 'the config', config.get('model')
    if not isinstance(model, dict) or 'type' not in model:
        raise ValueError(f'{name}: model must be a dict with a type, but it is {model!r}')
    try:
        with DefaultScope.overwrite_default_scope(config.get('default_scope', default_scope)):
            return MODELS.build(model)
    except ImportError:
        raise
    except Exception as error:  # a config names any class, which may raise anything
        text = ' '.join(str(error).split())
        raise ValueError(f'{name}: the model cannot be built: {type(error).__name__}: {text}') from error
