"""Deep Feature Flow: find objects on key frames, propagate features to the frames between them."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal, NamedTuple

import torch
from mmdet.models import BaseDetector, DetDataPreprocessor
from mmdet.registry import MODELS as DET_MODELS
from mmdet.structures import DetDataSample
from torch import Tensor, nn

from mmvidext.models.data_preprocessors import VideoDetDataPreprocessor
from mmvidext.models.detectors.detector_on_maps import build_detector_on_maps, feature_modules, map_channels
from mmvidext.models.propagation import FeatureFlow, KeyFrame, PropagatingModel
from mmvidext.models.propagation.clips import key_and_current, propagation_distances, where_propagated
from mmvidext.models.propagation.plain_model import accept_plain_checkpoint, clip_preprocessor
from mmvidext.ops.checks import check_at_least
from mmvidext.registry import MODELS

__all__ = ['DeepFeatureFlowDetector']


@MODELS.register_module()
class DeepFeatureFlowDetector(PropagatingModel, BaseDetector):
    """Deep Feature Flow for Video Recognition (Zhu et al., CVPR 2017) around any mmdet detector.

    Backbone and neck run on key frames only. For any other frame, a small flow network compares it with its key frame,
    every map that ``extract_feat`` returned is warped along the flow and multiplied by a scale map, and the detector's
    own heads read the result: ``loss`` and ``predict`` are the detector's.

    Input is a clip ``(N, T, 3, H, W)``, in training and in evaluation: key frame first and current (labeled) frame
    last. A longer clip is a stream: each frame whose index is a multiple of ``key_frame_interval`` is a key frame, and
    the last frame is propagated from the last of them. Data samples are those of the last frame. A sample that says
    ``propagation_distance=0`` in its meta information is a key frame itself (the official ``eq_flag``): a still image
    of ImageNet DET too, whose clip holds it twice. With ``key_frame_interval=1``, with a clip of one frame and at
    distance 0, the result is the plain detector's, exactly. A checkpoint of the plain detector loads as it is.

    Without gradients, in evaluation, the maps of the last key frames are kept. Where the next batch has the same key
    frames, pixel by pixel, they are used again: frames in order cost what a stream costs, and any other order has the
    same results; a GPU is waited for once a batch, to compare. ``train()``, ``eval()`` and ``load_state_dict`` forget
    them; weights that are changed in place need one of these.

    Args:
        detector: Config of a single- or two-stage detector, or of a DETR. Its data preprocessor is reused, unless
            another one is given.
        flow_net: Config of a flow network of this package, or of any other
            :class:`~mmvidext.models.propagation.FlowNetwork`.
        key_frame_interval: Every how many frames of a stream a key frame comes.
        scale_map: Learn the factor that propagated maps are multiplied by.
        flow_input: Arguments of ``FlowInput``: ``mean``, ``std`` and ``swap_channels`` of the flow network's frames.
        warp_form: ``'official'`` or ``'mmtracking'``, see :class:`~mmvidext.models.propagation.FeatureFlow`.
        freeze: Parts that are not trained: ``'feature'`` (backbone and neck), ``'task'`` (the heads), ``'flow'`` (the
            flow network; the scale map still learns).
        data_preprocessor: Config of a ``VideoDetDataPreprocessor``, or of mmdet's ``DetDataPreprocessor``, whose
            arguments it takes.
        init_cfg: Config of the initialization.

    Raises:
        ValueError: If an argument is not one of the above, or the detector's features cannot be warped.
    """

    def __init__(
        self,
        detector: dict[str, Any],
        flow_net: dict[str, Any],
        *,
        key_frame_interval: int = 10,
        scale_map: bool = True,
        flow_input: dict[str, Any] | None = None,
        warp_form: Literal['official', 'mmtracking'] = 'official',
        freeze: Sequence[str] = (),
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        check_at_least(key_frame_interval, 1, name='key_frame_interval')
        detector = deepcopy(detector)
        inner_preprocessor = detector.pop('data_preprocessor', None)
        preprocessor = clip_preprocessor(
            data_preprocessor or inner_preprocessor,
            DET_MODELS,
            of_images=DetDataPreprocessor,
            of_clips=VideoDetDataPreprocessor,
        )
        super().__init__(preprocessor, init_cfg)
        self.detector = build_detector_on_maps(detector)
        self.feature_flow = FeatureFlow(
            flow_net,
            map_channels(self.detector) if scale_map else (),
            scale_map=scale_map,
            flow_input=flow_input,
            warp_form=warp_form,
        )
        self.key_frame_interval = key_frame_interval
        self._kept: _KeptKeyFrame | None = None
        self.register_load_state_dict_post_hook(_forget_key_frame)
        features = {id(module) for module in feature_modules(self.detector)}
        heads = [module for module in self.detector.children() if id(module) not in features]
        self.freeze_parts(freeze, self.detector, heads)
        accept_plain_checkpoint(self, 'detector')

    @property
    def num_classes(self) -> int:
        """Number of classes of the detector's last box head, or of the head for masks of a detector without boxes."""
        heads = getattr(self.detector, 'roi_head', self.detector)
        head = heads.mask_head if heads.bbox_head is None else heads.bbox_head
        last: Any = head[-1] if isinstance(head, nn.ModuleList) else head
        return last.num_classes

    def encode_maps(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Run backbone and neck on a normalized frame ``(N, 3, H, W)``."""
        return tuple(self.detector.extract_feat(frame))

    def decode(
        self, maps: tuple[Tensor, ...], data_samples: list[DetDataSample], *, rescale: bool = True
    ) -> list[DetDataSample]:
        """Run the heads on maps; return the samples with ``pred_instances``, as mmdet's detectors do."""
        return self.detector.predict(maps, data_samples, rescale=rescale)

    # ---- clips

    def extract_feat(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample] | None = None) -> Any:
        """Return the maps of the last frame of clips ``(N, T, 3, H, W)``."""
        return self._last_frame(batch_inputs, batch_data_samples)

    def loss(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]) -> dict[str, Tensor]:
        """Return the detector's losses at the last frame of clips ``(N, T, 3, H, W)``."""
        return self.detector.loss(self._last_frame(batch_inputs, batch_data_samples), batch_data_samples)

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample], rescale: bool = True
    ) -> list[DetDataSample]:
        """Find the objects of the last frame of clips ``(N, T, 3, H, W)``; see :meth:`decode`."""
        maps = self._last_frame(batch_inputs, batch_data_samples)
        return self.decode(maps, batch_data_samples, rescale=rescale)

    def _forward(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample] | None = None) -> Any:
        return self.detector._forward(self._last_frame(batch_inputs, batch_data_samples), batch_data_samples)

    def _last_frame(self, clips: Tensor, samples: list[DetDataSample] | None) -> tuple[Tensor, ...]:
        """Bring the maps of the key frame to the last frame."""
        key, current = key_and_current(clips, self.key_frame_interval)
        if current is None:
            return self.encode_maps(key)
        sizes = image_sizes(samples)
        distances = propagation_distances(samples, len(clips))
        key_frame = self._encode_once(key, sizes)
        if not self.training and all(distance == 0 for distance in distances):
            return key_frame.maps
        motion = self.estimate_motion(current, key_frame, sizes)
        propagated = self.feature_flow(key_frame.maps, motion)
        return tuple(where_propagated(distances, *pair) for pair in zip(key_frame.maps, propagated, strict=True))

    # ---- the last key frame of an evaluation

    def train(self, mode: bool = True) -> 'DeepFeatureFlowDetector':
        """Set the mode, as every loop of mmengine does at its start; weights may have changed since the last one."""
        self._kept = None
        return super().train(mode)

    def _encode_once(self, key: Tensor, sizes: list[tuple[int, int]] | None) -> KeyFrame:
        """Encode key frames, unless they are those of the last batch."""
        if self.training or torch.is_grad_enabled():
            return self.encode_key_frame(key, sizes)
        if self._kept is None or not self._kept.is_of(key, sizes):
            self._kept = _KeptKeyFrame(key.clone(), sizes, self.encode_key_frame(key, sizes))
        return self._kept.encoded


class _KeptKeyFrame(NamedTuple):
    """Normalized key frames ``(N, 3, H, W)``, the sizes of their images, and what was computed of them."""

    frame: Tensor
    image_sizes: list[tuple[int, int]] | None
    encoded: KeyFrame

    def is_of(self, frame: Tensor, image_sizes: list[tuple[int, int]] | None) -> bool:
        """Whether the key frames are the same: nothing that names them tells all that a pipeline does to them."""
        is_like = (frame.dtype, frame.device, image_sizes) == (self.frame.dtype, self.frame.device, self.image_sizes)
        return is_like and torch.equal(frame, self.frame)


def _forget_key_frame(model: DeepFeatureFlowDetector, _: Any) -> None:
    model._kept = None


def image_sizes(samples: Sequence[DetDataSample] | None) -> list[tuple[int, int]] | None:
    """Return the height and width of the images inside their padded frames, None where they are not known."""
    if samples is None or any('img_shape' not in sample.metainfo for sample in samples):
        return None
    return [tuple(sample.metainfo['img_shape'][:2]) for sample in samples]
