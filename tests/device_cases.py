"""Every op, layer, backbone and flow network, Deep Feature Flow, flow estimator and preprocessor, on any device.

``tests/pretended_accelerator.py`` counts what each of them launches, ``tests/test_on_gpu.py`` compares GPU and CPU.
"""

from collections.abc import Callable
from importlib.util import find_spec

import torch
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement
from torch import nn

import mmvidext.models  # noqa: F401
from mmvidext import ops
from mmvidext.evaluation import EndPointError
from mmvidext.layers import DynamicFilter, MotionSqueeze, TemporalShift
from mmvidext.models.propagation.clips import where_propagated
from mmvidext.ops.frame_matching import match_frames
from mmvidext.registry import MODELS
from tests.models.backbones.test_all_backbones import CASES as BACKBONES
from tests.models.segmentors.tiny import fcn


class DeviceCases:
    """Calls by name, with what they need on a device.

    Args:
        device: Where tensors are made.
        move: Brings a module there, as ``module.to(device)`` does.
        rand: Makes a tensor of random numbers there.
    """

    def __init__(
        self, device: torch.device, move: Callable[[nn.Module], nn.Module], rand: Callable[..., torch.Tensor]
    ) -> None:
        self.device, self.move, self.rand = device, move, rand

    def build(self, name, **kwargs):
        return self.move(MODELS.build(dict(type=f'mmvidext.{name}', **kwargs)))

    def backbone(self, name):
        arguments, shape, _ = BACKBONES[name]
        model, x = self.build(name, **arguments), self.rand(*shape)
        return lambda: model(x)

    def layer(self, module, *shape):
        module, x = self.move(module), self.rand(*shape)
        return lambda: module(x)

    def op(self, function, *shapes, **kwargs):
        tensors = [self.rand(*shape) for shape in shapes]
        return lambda: function(*tensors, **kwargs)

    def flow_network(self, name, **kwargs):
        model, images = self.build(name, width=0.125, **kwargs), (self.rand(1, 3, 64, 96), self.rand(1, 3, 64, 96))
        return lambda: model(*images)

    def deep_feature_flow(self, part):
        init_default_scope('mmseg')
        flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
        model = self.build('DeepFeatureFlow', segmentor=fcn(), flow_net=flow_net).eval()
        frame = self.rand(1, 3, 512, 1024)
        if part == 'key frame':
            return lambda: model.decode(model.encode_key_frame(frame).maps)
        key = model.encode_key_frame(frame)
        return lambda: model.propagate(key, model.estimate_motion(frame, key))

    def deep_feature_flow_in_training(self):
        init_default_scope('mmseg')
        flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
        segmentor = fcn()
        segmentor.decode_head.dropout_ratio = 0  # random numbers of a device are its own
        model = self.build('DeepFeatureFlow', segmentor=segmentor, flow_net=flow_net)
        clips = self.rand(2, 2, 3, 64, 128)
        return lambda: model(clips, mode='tensor')

    def deep_feature_flow_detector(self, part):
        from tests.models.detectors.tiny import detector, sample

        init_default_scope('mmdet')
        inner = detector('retinanet/retinanet_r50_fpn_1x_coco.py')
        flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
        model = self.build('DeepFeatureFlowDetector', detector=inner, flow_net=flow_net)
        if part == 'training':
            clips, samples = self.rand(2, 2, 3, 64, 96), [sample(3), sample(0)]
            return lambda: model.extract_feat(clips, samples)
        frame, model = self.rand(1, 3, 320, 512), model.eval()
        if part == 'key frame':
            return lambda: model.encode_key_frame(frame).maps
        key = model.encode_key_frame(frame)
        return lambda: model.feature_flow(key.maps, model.estimate_motion(frame, key))

    def rfcn_head(self):
        init_default_scope('mmdet')
        head, feature = self.build('RFCNHead', in_channels=16, num_classes=3), self.rand(2, 16, 20, 30)
        corners = self.rand(50, 2).detach().abs() * 20
        rois = torch.cat([torch.zeros(50, 1, device=self.device).to(corners), corners, 3 * corners], 1)
        return lambda: head((feature,), rois)

    def flow_estimator(self):
        model = self.build('FlowEstimator', flow_net=dict(type='mmvidext.FlowNetS', width=0.0625))
        valid = torch.ones(64, 96, device=self.device) > 0
        sample, images = (
            BaseDataElement(gt_flow=self.rand(2, 64, 96).detach(), gt_valid=valid),
            self.rand(1, 2, 3, 64, 96),
        )
        return lambda: model(images, [sample], mode='loss')

    def preprocessor(self, name, shape, **kwargs):
        model = self.build(name, mean=[0.0] * 3, std=[255.0] * 3, **kwargs)
        model._device = self.device  # as model.cuda() does
        samples = [torch.zeros(shape, device=self.device, dtype=torch.uint8)] * 2
        return lambda: model(dict(inputs=samples, data_samples=None))['inputs']

    def dynamic_filter(self, channel_kernel, batch=1):
        field = dict(kernel_size=3, num_samples=5, sample_stride=3)
        maps = [self.rand(batch, channels, 30, 40) for channels in (64, 24 * 9, 9, 25)]
        if channel_kernel == 'projected':
            weights = self.rand(batch, 64, 30, 40), self.rand(24 * 64, 64, 1, 1), self.rand(24 * 64)
            kernel = ops.ProjectedKernel(*weights)
        else:
            kernel = self.rand(batch, 24 * 64, 30, 40)
        return lambda: ops.dynamic_filter(maps[0], maps[1], kernel, *maps[2:], **field)

    def online_step(self):
        model, frame = self.build('TSMResNet', depth=18, causal=True).eval(), self.rand(1, 3, 64, 64)
        return lambda: model.step(frame, None)

    def kernel_soft_argmax_in_triton(self):
        scores = self.rand(56, 28, 28, 15, 15)  # as a correlation lies in memory
        return lambda: ops.kernel_soft_argmax(scores.permute(0, 3, 4, 1, 2), backend='triton')

    def end_point_error(self):
        flows = {name: self.rand(2, 8, 12).detach() for name in ('pred_flow', 'gt_flow')}
        masks = {name: torch.zeros(8, 12, device=self.device) > 0 for name in ('gt_valid', 'gt_occluded')}
        return lambda: EndPointError().process(None, [{**flows, **masks}] * 2)


CASES = {
    'local_correlation': lambda at: at.op(ops.local_correlation, *[(56, 64, 28, 28)] * 2, max_displacement=7),
    'local_correlation, dilation 2': lambda at: at.op(
        ops.local_correlation, *[(8, 256, 48, 64)] * 2, max_displacement=10, dilation=2
    ),
    'kernel_soft_argmax': lambda at: at.op(ops.kernel_soft_argmax, (56, 15, 15, 28, 28)),
    'flow_warp': lambda at: at.op(ops.flow_warp, (2, 4, 5, 9), (2, 2, 5, 9)),
    'flow_to_image': lambda at: at.op(ops.flow_to_image, (2, 2, 8, 8)),
    'temporal_shift': lambda at: at.op(ops.temporal_shift, (8, 16, 4, 4), num_segments=8),
    'temporal_shift, causal': lambda at: at.op(ops.temporal_shift, (8, 16, 4, 4), num_segments=8, causal=True),
    'temporal_shift_step': lambda at: at.op(ops.temporal_shift_step, (8, 16, 4, 4), (8, 2, 4, 4)),
    'temporal_interlace': lambda at: at.op(ops.temporal_interlace, (8, 16, 4, 4), (1, 4), (1, 8, 4), num_segments=8),
    'pool_samples': lambda at: at.op(ops.pool_samples, (8, 16, 9, 9), (8, 25, 9, 9), num_samples=5, sample_stride=3),
    'dynamic_filter': lambda at: at.dynamic_filter('whole'),
    'dynamic_filter, projected': lambda at: at.dynamic_filter('projected'),
    'dynamic_filter, projected, 8 maps': lambda at: at.dynamic_filter('projected', 8),
    'where_propagated': lambda at: at.op(
        lambda key, other: where_propagated([0, 3, 2], key, other), *[(3, 4, 5, 6)] * 2
    ),
    'TemporalShift': lambda at: at.layer(TemporalShift(nn.Conv2d(16, 4, 1), 8), 8, 16, 4, 4),
    'MotionSqueeze': lambda at: at.layer(MotionSqueeze(512, 8), 64, 512, 28, 28),
    'DynamicFilter': lambda at: at.layer(DynamicFilter(16, feature_channels=16, kernel_channels=8), 1, 16, 20, 24),
    'LSDFNNeck': lambda at: at.layer(at.build('LSDFNNeck', in_channels=16, feature_channels=16), 1, 16, 20, 24),
    'FlowNetC': lambda at: at.flow_network('FlowNetC'),
    'FlowNetS': lambda at: at.flow_network('FlowNetS'),
    'DeepFeatureFlow, key frame': lambda at: at.deep_feature_flow('key frame'),
    'DeepFeatureFlow, step': lambda at: at.deep_feature_flow('step'),
    'DeepFeatureFlow, training': DeviceCases.deep_feature_flow_in_training,
    'FlowEstimator, loss': DeviceCases.flow_estimator,
    'EndPointError, two samples': DeviceCases.end_point_error,
    'FlowDataPreprocessor': lambda at: at.preprocessor('FlowDataPreprocessor', (2, 3, 32, 32)),
    'VideoSegDataPreProcessor': lambda at: at.preprocessor('VideoSegDataPreProcessor', (2, 3, 32, 32), bgr_to_rgb=True),
    'MotionSqueeze, one frame': lambda at: at.layer(MotionSqueeze(64, 1), 2, 64, 28, 28),
    'online step': DeviceCases.online_step,
    **{name: lambda at, name=name: at.backbone(name) for name in BACKBONES},
}
DETECTION_CASES = {
    'DeepFeatureFlowDetector, key frame': lambda at: at.deep_feature_flow_detector('key frame'),
    'DeepFeatureFlowDetector, step': lambda at: at.deep_feature_flow_detector('step'),
    'DeepFeatureFlowDetector, training': lambda at: at.deep_feature_flow_detector('training'),
    'RFCNHead': DeviceCases.rfcn_head,
}
if find_spec('mmdet'):
    CASES |= DETECTION_CASES
TRITON_CASES = {
    'local_correlation, Triton': lambda at: at.op(
        ops.local_correlation, *[(56, 64, 28, 28)] * 2, max_displacement=7, backend='triton'
    ),
    'kernel_soft_argmax, Triton': DeviceCases.kernel_soft_argmax_in_triton,
    'match_frames': lambda at: at.op(match_frames, (64, 64, 28, 28), num_segments=8, max_displacement=7),
    'temporal_shift, Triton': lambda at: at.op(ops.temporal_shift, (8, 16, 4, 4), num_segments=8, backend='triton'),
    'pool_samples, Triton': lambda at: at.op(
        ops.pool_samples, (8, 16, 9, 9), (8, 25, 9, 9), num_samples=5, sample_stride=3, backend='triton'
    ),
    'MotionSqueeze, Triton': lambda at: at.layer(MotionSqueeze(512, 8, backend='triton'), 64, 512, 28, 28),
    'DynamicFilter, Triton': lambda at: at.layer(DynamicFilter(256, backend='triton'), 1, 256, 64, 128),
}
if find_spec('triton'):
    CASES |= TRITON_CASES
