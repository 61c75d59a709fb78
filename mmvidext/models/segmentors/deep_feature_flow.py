"""Deep Feature Flow: segment key frames, propagate to the frames between them."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal

from mmseg.models import BaseSegmentor, SegDataPreProcessor
from mmseg.registry import MODELS as SEG_MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor, nn

from mmvidext.models.data_preprocessors import VideoSegDataPreProcessor
from mmvidext.models.propagation import FeatureFlow, KeyFrame, Motion, PropagatingModel
from mmvidext.models.propagation.clips import key_and_current, propagation_distances, where_propagated
from mmvidext.models.propagation.plain_model import accept_plain_checkpoint, clip_preprocessor
from mmvidext.models.segmentors.head_cascade import whole_head
from mmvidext.models.segmentors.segmentor_cut import BackboneCut, ClassifierCut, Cut, LogitsCut, check_segmentor
from mmvidext.ops.checks import check_at_least
from mmvidext.registry import MODELS

__all__ = ['DeepFeatureFlow']

_CUTS: dict[str, Any] = {'feature': ClassifierCut, 'backbone': BackboneCut, 'logits': LogitsCut}


@MODELS.register_module()
class DeepFeatureFlow(PropagatingModel, BaseSegmentor):
    """Deep Feature Flow for Video Recognition (Zhu et al., CVPR 2017) around any mmseg segmentor.

    The expensive network runs on key frames only. For any other frame, a small flow network compares it with its key
    frame, the key frame's maps are warped along the flow and multiplied by a scale map, and the cheap rest of the
    segmentor turns them into labels. As in the paper that rest is only the classifier.

    Input is a clip ``(N, T, 3, H, W)``, key frame first and current (labeled) frame last. A longer clip is a stream:
    each frame whose index is a multiple of ``key_frame_interval`` is a key frame, and the last frame is propagated from
    the last of them. With ``key_frame_interval=1``, with a clip of one frame, and for samples that say
    ``propagation_distance=0``, the output is the plain segmentor's, exactly. A checkpoint of the plain segmentor
    loads as it is: flow network and scale map keep their values.

    Args:
        segmentor: Config of an ``EncoderDecoder``. Its data preprocessor is reused, unless another one is given.
        flow_net: Config of a flow network of this package, or of any other
            :class:`~mmvidext.models.propagation.FlowNetwork`.
        key_frame_interval: Every how many frames of a stream a key frame comes.
        propagate: ``'feature'`` (what the head's classifier receives), ``'backbone'`` (the output of backbone and neck;
            the head runs on every frame) or ``'logits'``.
        scale_map: Learn the factor that propagated maps are multiplied by.
        flow_input: Arguments of ``FlowInput``: ``mean``, ``std`` and ``swap_channels`` of the flow network's frames.
        freeze: Parts that are not trained: ``'feature'`` (all up to the cut), ``'task'`` (all behind it), ``'flow'``
            (the flow network; the scale map still learns). The paper's "fix N" is ``('feature', 'task')``, its "fix F"
            is ``('flow',)``.
        data_preprocessor: Config of a ``VideoSegDataPreProcessor``, or of mmseg's ``SegDataPreProcessor``, whose
            arguments it takes.
        pretrained: As the argument of ``EncoderDecoder``, which gets it; None leaves the segmentor's config as it is.
        train_cfg: Likewise.
        test_cfg: Likewise.
        init_cfg: Config of the initialization.

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
        pretrained: str | None = None,
        train_cfg: dict[str, Any] | None = None,
        test_cfg: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        check_at_least(key_frame_interval, 1, name='key_frame_interval')
        if propagate not in _CUTS:
            raise ValueError(f'propagate must be one of {tuple(_CUTS)}, but got {propagate!r}')
        given = dict(pretrained=pretrained, train_cfg=train_cfg, test_cfg=test_cfg)
        segmentor = {**segmentor, **{name: value for name, value in given.items() if value is not None}}
        inner_preprocessor = segmentor.pop('data_preprocessor', None)
        preprocessor = clip_preprocessor(
            data_preprocessor or inner_preprocessor,
            SEG_MODELS,
            of_images=SegDataPreProcessor,
            of_clips=VideoSegDataPreProcessor,
        )
        super().__init__(preprocessor, init_cfg)
        self.segmentor = SEG_MODELS.build(deepcopy(segmentor))
        check_segmentor(self.segmentor, propagate)
        self.cut: Cut = _CUTS[propagate](self.segmentor, segmentor['decode_head'])
        self.feature_flow = FeatureFlow(flow_net, self.cut.channels, scale_map=scale_map, flow_input=flow_input)
        self.key_frame_interval = key_frame_interval
        self.freeze_parts(freeze, self.segmentor, self.cut.task_modules(self.segmentor))
        accept_plain_checkpoint(self, 'segmentor')

    # ---- what mmseg's tools ask a segmentor for

    @property
    def decode_head(self) -> Any:
        """The decode head of the wrapped segmentor; a cascade is one head."""
        return whole_head(self.segmentor)

    @property
    def align_corners(self) -> bool:
        """How the wrapped segmentor resizes its logits."""
        return self.segmentor.align_corners

    @property
    def num_classes(self) -> int:
        """Number of classes of the wrapped segmentor."""
        return self.segmentor.num_classes

    @property
    def out_channels(self) -> int:
        """Channels of the logits: the number of classes, or 1 for a binary segmentor with one output."""
        return self.segmentor.out_channels

    # ---- frame by frame

    def encode_maps(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Run the expensive part on a normalized frame ``(N, 3, H, W)``, in windows if its test_cfg says so."""
        return self._window_logits(frame) or self.cut.encode(self.decode_head, self.segmentor.extract_feat(frame)).maps

    def propagate(self, key_frame: KeyFrame, motion: Motion) -> Tensor:
        """Return the logits ``(N, K, h, w)`` of the frame that ``motion`` leads to."""
        return self.decode(self.feature_flow(key_frame.maps, motion))

    def decode(self, maps: Sequence[Tensor]) -> Tensor:
        """Run the cheap part: maps to logits ``(N, K, h, w)``."""
        return self.cut.decode(self.decode_head, maps)

    # ---- clips

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the maps of the last frame of clips ``(N, T, 3, H, W)``."""
        return self._last_frame(inputs, propagation_distances(None, len(inputs)))[0]

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict[str, Any]]) -> Tensor:
        """Return the logits of the last frame of clips ``(N, T, 3, H, W)``, resized to the frame."""
        distances = [meta.get('propagation_distance') for meta in batch_img_metas]
        logits = self.decode(self._last_frame(inputs, distances, in_windows=True)[0])
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

        What the heads give beside the logits, and all that auxiliary heads give, is computed on the key frame and
        warped by the same flow, without scale.
        """
        heads = self._auxiliary_heads()
        distances = propagation_distances(data_samples, len(inputs))
        maps, (others, *outputs) = self._last_frame(inputs, distances, list(heads.values()))
        logits = self.cut.loss_input(self.decode_head, maps, others)
        losses = add_prefix(self.decode_head.loss_by_feat(logits, data_samples), 'decode')
        for (name, head), output in zip(heads.items(), outputs, strict=True):
            losses.update(add_prefix(head.loss_by_feat(output, data_samples), name))
        return losses

    def _forward(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> Tensor:
        return self.decode(self._last_frame(inputs, propagation_distances(data_samples, len(inputs)))[0])

    def _last_frame(
        self,
        inputs: Tensor,
        distances: list[int | None],
        heads: Sequence[Any] = (),
        *,
        in_windows: bool = False,
    ) -> tuple[tuple[Tensor, ...], list[Any]]:
        """Bring what is computed on the key frame to the last frame.

        Returns:
            The propagated maps; and, warped only, the decode head's other outputs and the output of each of ``heads``.
        """
        key, current = key_and_current(inputs, self.key_frame_interval)
        maps = self._window_logits(key) if in_windows else ()
        outputs: list[Any] = []
        if not maps:
            features = self.segmentor.extract_feat(key)
            maps, others = self.cut.encode(self.decode_head, features)
            outputs = [others, *(head(features) for head in heads)]
        if current is None or (not self.training and all(distance == 0 for distance in distances)):
            return maps, outputs
        motion = self.estimate_motion(current, KeyFrame(self.prepare_flow_frame(key), maps))
        propagated = self.feature_flow(maps, motion)
        maps = tuple(where_propagated(distances, *pair) for pair in zip(maps, propagated, strict=True))
        return maps, [self._warp_output(output, motion, distances) for output in outputs]

    def _window_logits(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of a key frame from sliding windows, at its size; nothing if the test_cfg has none."""
        if (self.segmentor.test_cfg or {}).get('mode') != 'slide':
            return ()
        return (self.segmentor.slide_inference(frame, [{}]),)

    def _warp_output(self, output: Any, motion: Motion, distances: list[int | None]) -> Any:
        """Warp the maps in the output of a head; what is not a map, like a vector for the whole frame, stays."""
        if isinstance(output, tuple | list):
            return tuple(self._warp_output(part, motion, distances) for part in output)
        if isinstance(output, Tensor) and output.ndim == 4:
            return where_propagated(distances, output, self.feature_flow.warp(output, motion))
        return output

    def _auxiliary_heads(self) -> dict[str, Any]:
        if not self.segmentor.with_auxiliary_head:
            return {}
        heads = self.segmentor.auxiliary_head
        if isinstance(heads, nn.ModuleList):
            return {f'aux_{index}': head for index, head in enumerate(heads)}
        return {'aux': heads}
