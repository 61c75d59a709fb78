"""An mmdet detector whose heads run on maps that are computed already."""

from functools import cache
from typing import Any

import torch
from mmdet.models import BaseDetector
from mmdet.models.detectors import DetectionTransformer, SingleStageDetector, TwoStageDetector
from mmdet.models.detectors.single_stage_instance_seg import SingleStageInstanceSegmentor
from mmdet.registry import MODELS as DET_MODELS
from torch import Tensor, nn

__all__ = ['build_detector_on_maps', 'feature_modules', 'map_channels']

_KINDS = (SingleStageDetector, TwoStageDetector, DetectionTransformer, SingleStageInstanceSegmentor)
_PROBE = 64  # pixels of the image that shows what maps there are


def build_detector_on_maps(config: dict[str, Any]) -> BaseDetector:
    """Build a detector whose ``loss``, ``predict`` and ``_forward`` take a tuple of maps in the place of images.

    These methods begin with ``extract_feat(images)``, so it is a subclass whose ``extract_feat`` returns maps as they
    are. Images go the usual way, and its state dict is that of the plain detector.

    Args:
        config: Of any single- or two-stage detector, or DETR.

    Raises:
        ValueError: If it is of another kind, or reads the images besides.
    """
    kind = config.get('type')
    plain = DET_MODELS.get(kind) if isinstance(kind, str) else kind
    if not isinstance(plain, type) or not issubclass(plain, _KINDS):
        name = getattr(plain, '__name__', kind)
        raise ValueError(f'detector must be a single- or two-stage detector of mmdet, or a DETR, but it is a {name}')
    detector = DET_MODELS.build({**config, 'type': _on_maps(plain)})
    for part, what in (('language_model', 'text'), ('teacher_model', "a teacher's features")):
        if hasattr(detector, part):
            raise ValueError(f'{plain.__name__} reads {what} besides its maps, which cannot be propagated')
    return detector


@cache
def _on_maps(plain: type[BaseDetector]) -> type[BaseDetector]:
    def extract_feat(self: Any, batch_inputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return maps as they are, and the maps of images."""
        return batch_inputs if isinstance(batch_inputs, tuple) else plain.extract_feat(self, batch_inputs)

    def reduce(self: Any) -> tuple[Any, ...]:
        """Let pickle make the class again: it would look for it under the name and the module of the plain one."""
        return _empty_on_maps, (plain,), vars(self)

    namespace = {'extract_feat': extract_feat, '__reduce__': reduce, '__module__': plain.__module__}
    return type(plain.__name__, (plain,), namespace)


def _empty_on_maps(plain: Any) -> BaseDetector:
    kind: Any = _on_maps(plain)
    return kind.__new__(kind)


def feature_modules(detector: BaseDetector) -> list[nn.Module]:
    """Return what ``extract_feat`` runs: backbone and neck."""
    return [detector.backbone, detector.neck] if detector.with_neck else [detector.backbone]


@torch.no_grad()
def map_channels(detector: BaseDetector) -> tuple[int, ...]:
    """Return the channels of each map that ``extract_feat`` returns, from a small image.

    Raises:
        ValueError: If it returns anything else than maps ``(N, C, H, W)``.
    """
    was_training = detector.training
    maps = detector.eval().extract_feat(next(detector.parameters()).new_zeros(1, 3, _PROBE, _PROBE))
    detector.train(was_training)
    if not all(isinstance(feature, Tensor) and feature.ndim == 4 for feature in maps):
        raise ValueError(f'extract_feat of {type(detector).__name__} must return maps (N, C, H, W)')
    return tuple(feature.shape[1] for feature in maps)
