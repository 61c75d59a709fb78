"""Run the package on an accelerator that does not exist; print what it would launch, copy and wait for, as JSON.

Tensors have shapes and a device but no values (``FakeTensorMode``). The device is torch's PrivateUse1 with its
stand-ins in Python, not 'cuda': in a build without CUDA, autograd on a fake CUDA tensor ends the process. The
registration cannot be undone, so this is a program of its own:
``python -m tests.pretended_accelerator float32 float16 bfloat16``. With ``table`` it prints launches for docs/gpu.md.

A kernel in Triton counts as one launch and does not run; without Triton its cases are left out.
"""

import contextlib
import json
import os
import sys
from importlib.util import find_spec
from unittest import mock

os.environ['TRITON_INTERPRET'] = '1'  # a kernel is then a Python object that takes any tensor

import torch
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement
from torch import nn
from torch._library.custom_ops import OPDEFS
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend
from torch.utils.flop_counter import flop_registry

import mmvidext.models  # noqa: F401
from mmvidext import ops
from mmvidext.evaluation import EndPointError
from mmvidext.layers import DynamicFilter, MotionSqueeze, TemporalShift
from mmvidext.models.propagation.clips import where_propagated
from mmvidext.ops.frame_matching import match_frames
from mmvidext.registry import MODELS
from tests.launches import is_launch
from tests.models.backbones.test_all_backbones import CASES as BACKBONES
from tests.models.segmentors.tiny import fcn

# of an H100: a launch that nothing hides, HBM3, float32 without tensor cores
LAUNCH, BYTES_PER_SECOND, FLOPS_PER_SECOND = 5e-6, 3.35e12, 60e12
WAITS = {'_local_scalar_dense', 'nonzero', 'masked_select', 'is_nonzero', 'equal', '_unique2'}


class Backend(_DummyBackendModule):
    def get_amp_supported_dtype(self):
        return [torch.float16, torch.bfloat16]


_setup_privateuseone_for_python_backend('pretended', Backend())
DEVICE = torch.device('pretended', 0)

# autocast of the pretended device: these run in half precision, as on CUDA, the rest in what it is given
HALF_PRECISION = ('conv1d', 'conv2d', 'conv3d', 'conv_transpose2d', 'linear', 'matmul', 'mm', 'bmm', 'addmm', 'baddbmm')
AUTOCAST = 'AutocastPrivateUse1'
FALLBACK, AUTOCAST_OPS = torch.library.Library('_', 'IMPL'), torch.library.Library('aten', 'IMPL')
FALLBACK.fallback(torch.library.fallthrough_kernel, AUTOCAST)


def in_half_precision(operator):
    def cast(value):
        return value.to(torch.get_autocast_dtype('pretended')) if value is not None else None

    def call(*args, **kwargs):
        key = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)
        with torch._C._ExcludeDispatchKeyGuard(key):
            args = [cast(value) if value is None or isinstance(value, torch.Tensor) else value for value in args]
            return operator(*args, **kwargs)

    return call


for operator_name in HALF_PRECISION:
    packet = getattr(torch.ops.aten, operator_name)
    overload = packet.overloads()[0]  # 'default', but for conv_transpose2d
    qualified = operator_name if overload == 'default' else f'{operator_name}.{overload}'
    AUTOCAST_OPS.impl(qualified, in_half_precision(getattr(packet, overload)), AUTOCAST)


def estimate_memory(arguments):
    """Return the seconds that a launch would take on an H100: the longer one of the launch itself and its memory."""
    tensors = {id(leaf): leaf for leaf in tree_leaves(arguments) if isinstance(leaf, torch.Tensor)}
    moved_bytes = sum(tensor.numel() * tensor.itemsize for tensor in tensors.values())
    return max(LAUNCH, moved_bytes / BYTES_PER_SECOND)


def estimate(func, args, kwargs, out):
    """Return the seconds of an operator, with its arithmetic."""
    count = flop_registry.get(func._overloadpacket)
    flops = 0 if count is None else count(*args, **kwargs, out_val=out)
    return max(estimate_memory((args, kwargs, out)), flops / FLOPS_PER_SECOND)


class Watch(TorchDispatchMode):
    """Counts launches and estimates their time; notes what touches the CPU and what waits for the device."""

    def __init__(self):
        super().__init__()
        self.launches, self.faults, self.seconds = 0, [], 0.0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.namespace == 'mmvidext':  # a custom operator is one node: look inside
            with self, torch.no_grad():
                return OPDEFS[f'mmvidext::{func._opname}']._init_fn(*args, **kwargs)
        if func._opname in WAITS:
            self.faults.append(f'{func._opname} waits for the device')
        out = func(*args, **kwargs)
        devices = {leaf.device.type for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, torch.Tensor)}
        if 'cpu' in devices:
            self.faults.append(f'{func._opname} touches the CPU')
        if is_launch(func):
            self.launches += 1
            self.seconds += estimate(func, args, kwargs, out)
        return out

    def launch_kernel(self, *args, **kwargs):
        self.launches += 1
        self.seconds += estimate_memory((args, kwargs))


@contextlib.contextmanager
def kernels_as_one_launch(watch):
    """Let each kernel in Triton count as one launch, and run nothing."""
    if not find_spec('triton'):
        yield
        return
    from triton.runtime.interpreter import GridExecutor

    with mock.patch.object(GridExecutor, '__call__', lambda _, *args, **kwargs: watch.launch_kernel(*args, **kwargs)):
        yield


def rand(*shape):
    return torch.randn(*shape, device=DEVICE, requires_grad=torch.is_grad_enabled())


def moved(module):
    """Do what ``module.cuda()`` does: move parameters and buffers, nothing else."""
    for part in module.modules():
        for table in (part._parameters, part._buffers):
            for key, value in table.items():
                if value is not None:
                    fake = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=DEVICE)
                    table[key] = nn.Parameter(fake, value.requires_grad) if isinstance(value, nn.Parameter) else fake
    return module


def build(name, **kwargs):
    return moved(MODELS.build(dict(type=f'mmvidext.{name}', **kwargs)))


def backbone(name):
    arguments, shape, _ = BACKBONES[name]
    model, x = build(name, **arguments), rand(*shape)
    return lambda: model(x)


def layer(module, *shape):
    module, x = moved(module), rand(*shape)
    return lambda: module(x)


def op(function, *shapes, **kwargs):
    tensors = [rand(*shape) for shape in shapes]
    return lambda: function(*tensors, **kwargs)


def flow_network(name, **kwargs):
    model, images = build(name, width=0.125, **kwargs), (rand(1, 3, 64, 96), rand(1, 3, 64, 96))
    return lambda: model(*images)


def deep_feature_flow(part):
    init_default_scope('mmseg')
    flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
    model = build('DeepFeatureFlow', segmentor=fcn(), flow_net=flow_net).eval()
    frame = rand(1, 3, 512, 1024)
    if part == 'key frame':
        return lambda: model.decode(model.encode_key_frame(frame).maps)
    key = model.encode_key_frame(frame)
    return lambda: model.propagate(key, model.estimate_motion(frame, key))


def deep_feature_flow_in_training():
    init_default_scope('mmseg')
    flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
    model, clips = build('DeepFeatureFlow', segmentor=fcn(), flow_net=flow_net), rand(2, 2, 3, 64, 128)
    return lambda: model(clips, mode='tensor')


def deep_feature_flow_detector(part):
    from tests.models.detectors.tiny import detector, sample

    init_default_scope('mmdet')
    inner = detector('retinanet/retinanet_r50_fpn_1x_coco.py')
    flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
    model = build('DeepFeatureFlowDetector', detector=inner, flow_net=flow_net)
    if part == 'training':
        clips, samples = rand(2, 2, 3, 64, 96), [sample(3), sample(0)]
        return lambda: model.extract_feat(clips, samples)
    frame, model = rand(1, 3, 320, 512), model.eval()
    if part == 'key frame':
        return lambda: model.encode_key_frame(frame).maps
    key = model.encode_key_frame(frame)
    return lambda: model.feature_flow(key.maps, model.estimate_motion(frame, key))


def rfcn_head():
    init_default_scope('mmdet')
    head, feature = build('RFCNHead', in_channels=16, num_classes=3), rand(2, 16, 20, 30)
    rois = rand(50, 5).detach()
    return lambda: head((feature,), rois)


def flow_estimator():
    model = build('FlowEstimator', flow_net=dict(type='mmvidext.FlowNetS', width=0.0625))
    sample = BaseDataElement(gt_flow=rand(2, 64, 96).detach(), gt_valid=torch.ones(64, 96, device=DEVICE) > 0)
    return lambda: model(rand(1, 2, 3, 64, 96), [sample], mode='loss')


def preprocessor(name, shape, **kwargs):
    model = build(name, mean=[0.0] * 3, std=[255.0] * 3, **kwargs)
    model._device = DEVICE  # as model.cuda() does
    samples = [torch.zeros(shape, device=DEVICE, dtype=torch.uint8)] * 2
    return lambda: model(dict(inputs=samples, data_samples=None))['inputs']


def dynamic_filter(channel_kernel, batch=1):
    field = dict(kernel_size=3, num_samples=5, sample_stride=3)
    maps = [rand(batch, channels, 30, 40) for channels in (64, 24 * 9, 9, 25)]
    if channel_kernel == 'projected':
        kernel = ops.ProjectedKernel(rand(batch, 64, 30, 40), rand(24 * 64, 64, 1, 1), rand(24 * 64))
    else:
        kernel = rand(batch, 24 * 64, 30, 40)
    return lambda: ops.dynamic_filter(maps[0], maps[1], kernel, *maps[2:], **field)


def online_step():
    model, frame = build('TSMResNet', depth=18, causal=True).eval(), rand(1, 3, 64, 64)
    return lambda: model.step(frame, None)


def kernel_soft_argmax_in_triton():
    scores = rand(56, 28, 28, 15, 15)  # as a correlation lies in memory
    return lambda: ops.kernel_soft_argmax(scores.permute(0, 3, 4, 1, 2), backend='triton')


def end_point_error():
    flows = {name: rand(2, 8, 12).detach() for name in ('pred_flow', 'gt_flow')}
    masks = {name: torch.zeros(8, 12, device=DEVICE) > 0 for name in ('gt_valid', 'gt_occluded')}
    return lambda: EndPointError().process(None, [{**flows, **masks}] * 2)


CASES = {
    'local_correlation': lambda: op(ops.local_correlation, *[(56, 64, 28, 28)] * 2, max_displacement=7),
    'local_correlation, dilation 2': lambda: op(
        ops.local_correlation, *[(8, 256, 48, 64)] * 2, max_displacement=10, dilation=2
    ),
    'kernel_soft_argmax': lambda: op(ops.kernel_soft_argmax, (56, 15, 15, 28, 28)),
    'flow_warp': lambda: op(ops.flow_warp, (2, 4, 5, 9), (2, 2, 5, 9)),
    'flow_to_image': lambda: op(ops.flow_to_image, (2, 2, 8, 8)),
    'temporal_shift': lambda: op(ops.temporal_shift, (8, 16, 4, 4), num_segments=8),
    'temporal_shift, causal': lambda: op(ops.temporal_shift, (8, 16, 4, 4), num_segments=8, causal=True),
    'temporal_shift_step': lambda: op(ops.temporal_shift_step, (8, 16, 4, 4), (8, 2, 4, 4)),
    'temporal_interlace': lambda: op(ops.temporal_interlace, (8, 16, 4, 4), (1, 4), (1, 8, 4), num_segments=8),
    'pool_samples': lambda: op(ops.pool_samples, (8, 16, 9, 9), (8, 25, 9, 9), num_samples=5, sample_stride=3),
    'dynamic_filter': lambda: dynamic_filter('whole'),
    'dynamic_filter, projected': lambda: dynamic_filter('projected'),
    'dynamic_filter, projected, 8 maps': lambda: dynamic_filter('projected', 8),
    'where_propagated': lambda: op(lambda key, other: where_propagated([0, 3, 2], key, other), *[(3, 4, 5, 6)] * 2),
    'TemporalShift': lambda: layer(TemporalShift(nn.Conv2d(16, 4, 1), 8), 8, 16, 4, 4),
    'MotionSqueeze': lambda: layer(MotionSqueeze(512, 8), 64, 512, 28, 28),
    'DynamicFilter': lambda: layer(DynamicFilter(16, feature_channels=16, kernel_channels=8), 1, 16, 20, 24),
    'LSDFNNeck': lambda: layer(build('LSDFNNeck', in_channels=16, feature_channels=16), 1, 16, 20, 24),
    'FlowNetC': lambda: flow_network('FlowNetC'),
    'FlowNetS': lambda: flow_network('FlowNetS'),
    'DeepFeatureFlow, key frame': lambda: deep_feature_flow('key frame'),
    'DeepFeatureFlow, step': lambda: deep_feature_flow('step'),
    'DeepFeatureFlow, training': deep_feature_flow_in_training,
    'FlowEstimator, loss': flow_estimator,
    'EndPointError, two samples': end_point_error,
    'FlowDataPreprocessor': lambda: preprocessor('FlowDataPreprocessor', (2, 3, 32, 32)),
    'VideoSegDataPreProcessor': lambda: preprocessor('VideoSegDataPreProcessor', (2, 3, 32, 32), bgr_to_rgb=True),
    'MotionSqueeze, one frame': lambda: layer(MotionSqueeze(64, 1), 2, 64, 28, 28),
    'online step': online_step,
    **{name: lambda name=name: backbone(name) for name in BACKBONES},
}
DETECTION_CASES = {
    'DeepFeatureFlowDetector, key frame': lambda: deep_feature_flow_detector('key frame'),
    'DeepFeatureFlowDetector, step': lambda: deep_feature_flow_detector('step'),
    'DeepFeatureFlowDetector, training': lambda: deep_feature_flow_detector('training'),
    'RFCNHead': rfcn_head,
}
if find_spec('mmdet'):
    CASES |= DETECTION_CASES
TRITON_CASES = {
    'local_correlation, Triton': lambda: op(
        ops.local_correlation, *[(56, 64, 28, 28)] * 2, max_displacement=7, backend='triton'
    ),
    'kernel_soft_argmax, Triton': kernel_soft_argmax_in_triton,
    'match_frames': lambda: op(match_frames, (64, 64, 28, 28), num_segments=8, max_displacement=7),
    'temporal_shift, Triton': lambda: op(ops.temporal_shift, (8, 16, 4, 4), num_segments=8, backend='triton'),
    'pool_samples, Triton': lambda: op(
        ops.pool_samples, (8, 16, 9, 9), (8, 25, 9, 9), num_samples=5, sample_stride=3, backend='triton'
    ),
    'MotionSqueeze, Triton': lambda: layer(MotionSqueeze(512, 8, backend='triton'), 64, 512, 28, 28),
}
if find_spec('triton'):
    CASES |= TRITON_CASES


def measure(name, autocast):
    """Return launches of the forward and of the backward pass, the faults of both, and their estimated times in ms."""
    context = torch.autocast('pretended', dtype=autocast) if autocast else contextlib.nullcontext()
    with FakeTensorMode():
        call = CASES[name]()
        with Watch() as watch, kernels_as_one_launch(watch):
            with context:
                leaves = tree_leaves(call())
            forward, forward_ms = watch.launches, 1e3 * watch.seconds
            outputs = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.requires_grad]
            gradients = [torch.empty_like(output) for output in outputs]
            watch.launches, watch.seconds = 0, 0.0
            if outputs:
                torch.autograd.backward(outputs, gradients)
    return [forward, watch.launches], watch.faults, [forward_ms, 1e3 * watch.seconds]


def main(*dtypes):
    if dtypes == ('table',):
        print('| case | launches | backward | ms (E) | backward |\n|---|---:|---:|---:|---:|')
        for name in CASES:
            launches, _, times = measure(name, None)
            print(f'| {name} | {launches[0]} | {launches[1]} | {times[0]:.2f} | {times[1]:.2f} |')
        sys.stdout.flush()
    else:
        autocast = {dtype: None if dtype == 'float32' else getattr(torch, dtype) for dtype in dtypes}
        results = {dtype: {name: measure(name, autocast[dtype]) for name in CASES} for dtype in dtypes}
        print(json.dumps(results), flush=True)
    os._exit(0)  # the stand-ins abort the interpreter when it ends


if __name__ == '__main__':
    main(*sys.argv[1:])
