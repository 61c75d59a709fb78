"""Deep Feature Flow: segment key frames, propagate to the frames between them."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from mmseg.models import BaseSegmentor
from mmseg.registry import MODELS as SEG_MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor, nn

from mmvidext.models.data_preprocessors import VideoSegDataPreProcessor
from mmvidext.models.segmentors.feature_flow import FeatureFlow, Motion
from mmvidext.models.segmentors.segmentor_cut import (
    BackboneCut,
    ClassifierCut,
    LogitsCut,
    check_segmentor,
    classifier_input,
)
from mmvidext.registry import MODELS

__all__ = ['DeepFeatureFlow', 'KeyFrame']

_CUTS: dict[str, type[ClassifierCut | BackboneCut | LogitsCut]] = {
    'feature': ClassifierCut,
    'backbone': BackboneCut,
    'logits': LogitsCut,
}
_FREEZABLE = ('feature', 'task', 'flow')


class KeyFrame(NamedTuple):
    """All that is kept of a key frame.

    Attributes:
        flow_frame: ``(N, 3, h, w)``, the half-size frame for the flow network.
        maps: What is propagated, ``(N, C, H, W)`` each.
    """

    flow_frame: Tensor
    maps: tuple[Tensor, ...]


@MODELS.register_module()
class DeepFeatureFlow(BaseSegmentor):
    """Deep Feature Flow for Video Recognition (Zhu et al., CVPR 2017) around any mmseg segmentor.

    The expensive network runs on key frames only. For any other frame, a small flow network compares it with its key
    frame, the key frame's maps are warped along the flow and multiplied by a scale map, and the cheap rest of the
    segmentor turns them into labels. As in the paper that rest is only the classifier.

    Input is a clip ``(N, T, 3, H, W)``, key frame first and current (labelled) frame last. A longer clip is a stream:
    each frame whose index is a multiple of ``key_frame_interval`` is a key frame, and the last frame is propagated from
    the last of them. With ``key_frame_interval=1``, with a clip of one frame, and for samples that say
    ``propagation_distance=0``, the output is the plain segmentor's, exactly. A checkpoint of the plain segmentor
    loads as it is: flow network and scale map keep their values.

    Args:
        segmentor: Config of an ``EncoderDecoder``. Its data preprocessor is taken over, unless another one is given.
        flow_net: Config of a flow network of this package, or of any module with ``feature_channels``,
            ``feature_stride`` and ``estimate_at_stride`` as FlowNet has them.
        key_frame_interval: Every how many frames of a stream a key frame comes.
        propagate: ``'feature'`` (what the head's classifier receives), ``'backbone'`` (the output of backbone and neck;
            the head runs on every frame) or ``'logits'``.
        scale_map: Learn the factor that propagated maps are multiplied by.
        flow_input: Arguments of ``FlowInput``: ``mean``, ``std`` and ``swap_channels`` of the flow network's frames.
        freeze: Parts that are not trained: ``'feature'`` (all up to the cut), ``'task'`` (all behind it), ``'flow'``
            (the flow network; the scale map still learns). The paper's "fix N" is ``('feature', 'task')``, its "fix F"
            is ``('flow',)``.
        data_preprocessor: Config of a ``VideoSegDataPreProcessor``.
        init_cfg: Config of the initialisation.

    Raises:
        ValueError: If an argument is not one of the above, or the segmentor's features cannot be warped.
    """

    def __init__(
        self,
        segmentor: dict[str, Any],
        flow_net: dict[str, Any],
        *,
        key_frame_interval: int = 5,
        propagate: Literal['feature', 'backbone', 'logits'] = 'feature',
        scale_map: bool = True,
        flow_input: dict[str, Any] | None = None,
        freeze: Sequence[str] = (),
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        if key_frame_interval < 1:
            raise ValueError(f'key_frame_interval must be at least 1, but got {key_frame_interval}')
        if propagate not in _CUTS:
            raise ValueError(f'propagate must be one of {tuple(_CUTS)}, but got {propagate!r}')
        segmentor = dict(segmentor)
        inner_preprocessor = segmentor.pop('data_preprocessor', None)
        super().__init__(_video_preprocessor(data_preprocessor, inner_preprocessor), init_cfg)
        if not isinstance(self.data_preprocessor, VideoSegDataPreProcessor):
            raise ValueError(
                'data_preprocessor must be a mmvidext.VideoSegDataPreProcessor, which knows clips, but it is a '
                f'{type(self.data_preprocessor).__name__}'
            )
        self.segmentor = SEG_MODELS.build(segmentor)
        check_segmentor(self.segmentor)
        self.cut = _CUTS[propagate](self.segmentor)
        self.feature_flow = FeatureFlow(flow_net, self.cut.channels, scale_map=scale_map, flow_input=flow_input)
        self.key_frame_interval = key_frame_interval
        self.freeze = tuple(freeze)
        self._freeze()
        self.register_load_state_dict_pre_hook(_accept_plain_segmentor)

    # ---- what mmseg's tools ask a segmentor for

    @property
    def decode_head(self) -> Any:
        """The decode head of the wrapped segmentor."""
        return self.segmentor.decode_head

    @property
    def align_corners(self) -> bool:
        """How the wrapped segmentor resizes its logits."""
        return self.segmentor.align_corners

    @property
    def num_classes(self) -> int:
        """Number of classes of the wrapped segmentor."""
        return self.segmentor.num_classes

    # ---- frame by frame

    def encode_key_frame(self, frame: Tensor) -> KeyFrame:
        """Run the expensive part on a normalised key frame ``(N, 3, H, W)``."""
        maps = self.cut.encode(self.decode_head, self.segmentor.extract_feat(frame))
        return KeyFrame(self.prepare_flow_frame(frame), maps)

    def prepare_flow_frame(self, frame: Tensor) -> Tensor:
        """Turn a normalised frame ``(N, 3, H, W)`` into the flow network's half-size one."""
        return self.feature_flow.flow_input(self.data_preprocessor.denormalize(frame))

    def estimate_motion(self, frame: Tensor, key_frame: KeyFrame) -> Motion:
        """Estimate the motion from a normalised frame ``(N, 3, H, W)`` back to the key frame."""
        return self._estimate(self.prepare_flow_frame(frame), key_frame.flow_frame, key_frame.maps)

    def propagate(self, key_frame: KeyFrame, motion: Motion) -> Tensor:
        """Return the logits ``(N, K, h, w)`` of the frame that ``motion`` leads to."""
        return self.decode(self.feature_flow(key_frame.maps, motion))

    def warp_residual(self, frame: Tensor, key_frame: KeyFrame, motion: Motion) -> Tensor:
        """Say how much a frame differs from its key frame warped onto it, and so how far to trust propagation.

        Args:
            frame: Normalised, ``(N, 3, H, W)``.
            key_frame: Its key frame.
            motion: From the frame to the key frame.

        Returns:
            ``(N,)``: mean absolute difference of the half-size frames, divided by the standard deviation of the frame.
        """
        current = self.prepare_flow_frame(frame)
        difference = (self.feature_flow.warp(key_frame.flow_frame, motion) - current).abs().mean((1, 2, 3))
        return difference / current.std((1, 2, 3)).clamp(min=1e-6)

    def decode(self, maps: Sequence[Tensor]) -> Tensor:
        """Run the cheap part: maps to logits ``(N, K, h, w)``."""
        return self.cut.decode(self.decode_head, maps)

    def _estimate(self, current: Tensor, key: Tensor, maps: Sequence[Tensor]) -> Motion:
        return self.feature_flow.estimate(current, key, map_height=max(feature.shape[-2] for feature in maps))

    # ---- clips

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the maps of the last frame of clips ``(N, T, 3, H, W)``."""
        return self._clip_maps(inputs, None)

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict[str, Any]]) -> Tensor:
        """Return the logits of the last frame of clips ``(N, T, 3, H, W)``, resized to the frame."""
        logits = self.decode(self._clip_maps(inputs, _distances(batch_img_metas)))
        return self.decode_head.predict_by_feat(logits, batch_img_metas)

    def predict(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> list[SegDataSample]:
        """Predict the labels of the last frame of clips ``(N, T, 3, H, W)``.

        Returns:
            Samples with ``pred_sem_seg`` and ``seg_logits``, as mmseg's segmentors return them.
        """
        if data_samples is None:
            size = tuple(inputs.shape[-2:])
            metas = [dict(ori_shape=size, img_shape=size, pad_shape=size, padding_size=[0] * 4)] * len(inputs)
        else:
            metas = [sample.metainfo for sample in data_samples]
        return self.segmentor.postprocess_result(self.encode_decode(inputs, metas), data_samples)

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Return the losses of the decode head, and of auxiliary heads, at the last frame of clips.

        An auxiliary head sees its own map of the key frame, warped by the same flow.
        """
        key, current = self._key_and_current(inputs)
        features = self.segmentor.extract_feat(key)
        maps = self.cut.encode(self.decode_head, features)
        heads = self._auxiliary_heads()
        auxiliary = [classifier_input(head, features) for head in heads.values()]
        if current is not None:
            motion = self._estimate(self.prepare_flow_frame(current), self.prepare_flow_frame(key), maps)
            distances = _distances([sample.metainfo for sample in data_samples])
            maps = _where_propagated(distances, maps, self.feature_flow(maps, motion))
            warped = [self.feature_flow.warp(feature, motion) for feature in auxiliary]
            auxiliary = list(_where_propagated(distances, auxiliary, warped))
        losses = add_prefix(self.decode_head.loss_by_feat(self.decode(maps), data_samples), 'decode')
        for (name, head), feature in zip(heads.items(), auxiliary, strict=True):
            losses.update(add_prefix(head.loss_by_feat(head.cls_seg(feature), data_samples), name))
        return losses

    def _forward(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> Tensor:
        metas = None if data_samples is None else [sample.metainfo for sample in data_samples]
        return self.decode(self._clip_maps(inputs, _distances(metas)))

    def _clip_maps(self, inputs: Tensor, distances: list[int | None] | None) -> tuple[Tensor, ...]:
        key, current = self._key_and_current(inputs)
        key_frame = self.encode_key_frame(key)
        if current is None or (distances is not None and not any(distance != 0 for distance in distances)):
            return key_frame.maps
        propagated = self.feature_flow(key_frame.maps, self.estimate_motion(current, key_frame))
        return _where_propagated(distances, key_frame.maps, propagated)

    def _key_and_current(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the last key frame and the last frame of clips; None where that is the key frame."""
        if inputs.ndim != 5:
            raise ValueError(f'inputs must be clips (N, T, 3, H, W), 5 dimensions, but got {tuple(inputs.shape)}')
        last = inputs.shape[1] - 1
        key = last - last % self.key_frame_interval
        return inputs[:, key], None if key == last else inputs[:, last]

    # ---- training

    def train(self, mode: bool = True) -> 'DeepFeatureFlow':
        """Set the mode; frozen parts keep their statistics."""
        super().train(mode)
        for module in self._frozen_modules():
            module.eval()
        return self

    def _auxiliary_heads(self) -> dict[str, Any]:
        if not self.segmentor.with_auxiliary_head:
            return {}
        heads = self.segmentor.auxiliary_head
        if isinstance(heads, nn.ModuleList):
            return {f'aux_{index}': head for index, head in enumerate(heads)}
        return {'aux': heads}

    def _freeze(self) -> None:
        unknown = set(self.freeze) - set(_FREEZABLE)
        if unknown:
            raise ValueError(f'freeze may name {_FREEZABLE}, but got {sorted(unknown)}')
        if 'task' in self.freeze and not self.cut.task_modules(self.segmentor):
            raise ValueError("freeze='task' has no meaning with propagate='logits': nothing runs behind the warp")
        if 'flow' in self.freeze:
            self.feature_flow.flow_net.requires_grad_(False)
        task = {id(value) for part in self.cut.task_modules(self.segmentor) for value in part.parameters()}
        for parameter in self.segmentor.parameters():
            if ('task' if id(parameter) in task else 'feature') in self.freeze:
                parameter.requires_grad_(False)

    def _frozen_modules(self) -> list[nn.Module]:
        """Return the modules that must stay in evaluation mode: the frozen ones that have no parts."""
        task = {id(part) for module in self.cut.task_modules(self.segmentor) for part in module.modules()}
        modules: list[nn.Module] = []
        if 'flow' in self.freeze:
            modules.append(self.feature_flow.flow_net)
        for module in self.segmentor.modules():
            is_leaf = not any(True for _ in module.children())
            if is_leaf and ('task' if id(module) in task else 'feature') in self.freeze:
                modules.append(module)
        return modules


def _accept_plain_segmentor(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Let a checkpoint of the plain segmentor load into the wrapped one."""
    own = [key for key in state_dict if key.startswith(prefix)]
    if any(key.startswith(f'{prefix}backbone.') for key in own):
        for key in own:
            state_dict[f'{prefix}segmentor.{key.removeprefix(prefix)}'] = state_dict.pop(key)


def _video_preprocessor(own: dict[str, Any] | None, inner: dict[str, Any] | None) -> dict[str, Any]:
    if own is not None:
        return own
    return {**(inner or {}), 'type': 'mmvidext.VideoSegDataPreProcessor'}


def _distances(metas: list[dict[str, Any]] | None) -> list[int | None] | None:
    return None if metas is None else [meta.get('propagation_distance') for meta in metas]


def _where_propagated(
    distances: list[int | None] | None, maps: Sequence[Tensor], propagated: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Keep the maps of samples that are key frames themselves (distance 0)."""
    if not maps or distances is None or all(distance != 0 for distance in distances):
        return tuple(propagated)
    is_key = torch.tensor([distance == 0 for distance in distances], device=maps[0].device).view(-1, 1, 1, 1)
    return tuple(torch.where(is_key, key, other) for key, other in zip(maps, propagated, strict=True))
