"""Build a recognizer and its preprocessing from a config, and check its scores, for use outside a runner."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from numpy.typing import NDArray
from torch import Tensor

from mmvidext.apis.finite_outputs import check_finite
from mmvidext.apis.frame_pipeline import innermost_dataset
from mmvidext.apis.model_building import build_model
from mmvidext.apis.weights import load_for_inference

__all__ = [
    'build_recognizer',
    'finite_scores',
    'frame_transforms',
    'gives_several_classes',
    'recognizer_config',
    'split_pipeline',
]

Transform = Callable[[dict[str, Any]], dict[str, Any]]


def recognizer_config(config: Config) -> ConfigDict:
    """Return the model of a config.

    Raises:
        ValueError: If it is not a recognizer.
    """
    model = config.get('model') or {}
    if not isinstance(model, dict) or 'backbone' not in model or 'cls_head' not in model:
        raise ValueError(
            'the model of the config must be a recognizer of mmaction2, with a backbone and a cls_head, but it is '
            f'{model.get("type", "missing") if isinstance(model, dict) else repr(model)}'
        )
    return model


def build_recognizer(config: Config, checkpoint: str | Path | None = None) -> Any:
    """Build the model of a config and load its weights.

    Args:
        config: Config of an mmaction2 recognizer.
        checkpoint: Weights of the whole recognizer, ours or official. None keeps the random ones.

    Returns:
        The model, with the ``dataset_meta`` of its checkpoint.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If the config's model is not a recognizer, or the weights do not fit it.
    """
    recognizer_config(config)
    model = build_model(config, default_scope='mmaction')
    if checkpoint is not None:
        model.dataset_meta = load_for_inference(model, checkpoint).meta.get('dataset_meta')
    return model


def gives_several_classes(head: Any) -> bool:
    """Whether a head is trained for clips of several classes: the probability of each is the sigmoid of its score."""
    return 'BCE' in type(getattr(head, 'loss_cls', None)).__name__


def finite_scores(scores: Tensor) -> NDArray[np.float32]:
    """Return the scores of classes as an array.

    Raises:
        ValueError: If one is not finite: it has no place among the others, and none in a file of JSON.
    """
    scores = scores.float().cpu()
    check_finite(scores, 'the scores')
    return scores.numpy()


def frame_transforms(config: Config) -> list[Transform]:
    """Build the part of a config's validation pipeline that follows decoding.

    Raises:
        ValueError: If the config has no pipeline, or one without a decoding step, or data sets with several pipelines.
    """
    return split_pipeline(config)[1]


def split_pipeline(config: Config) -> tuple[list[Transform], list[Transform]]:
    """Build the steps of a config's validation pipeline that choose frames, and those that follow decoding.

    Raises:
        ValueError: If the config has no pipeline, or one without a decoding step, or data sets with several pipelines.
    """
    from mmaction.registry import TRANSFORMS

    loader = next((name for name in ('val_dataloader', 'test_dataloader') if config.get(name)), None)
    if loader is None:
        raise ValueError(
            'the config has neither val_dataloader nor test_dataloader, whose pipeline prepares the frames'
        )
    steps = list(innermost_dataset(config, loader).get('pipeline') or ())
    names = [step.type.split('.')[-1] for step in steps]
    decoders = [index for index, name in enumerate(names) if 'Decode' in name]
    if not decoders:
        raise ValueError(f'the pipeline has no step that decodes frames: {[step.type for step in steps]}')
    before = [step for step, name in zip(steps[: decoders[-1]], names, strict=False) if 'Init' not in name]
    with DefaultScope.overwrite_default_scope(config.get('default_scope', 'mmaction')):
        built = [[TRANSFORMS.build(step) for step in part] for part in (before, steps[decoders[-1] + 1 :])]
    return built[0], built[1]
