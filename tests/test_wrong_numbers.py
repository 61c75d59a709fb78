"""Arguments that are no number, or none of the size that is meant: a ValueError that names the argument."""

import math

import numpy as np
import pytest
from torch import nn

from mmvidext.datasets.flow_io import write_flo
from mmvidext.datasets.transforms import (
    FlowPairAffine,
    FlowPairColorJitter,
    FlowPairCrop,
    FlowPairFlip,
    FlowPairGamma,
    FlowPairNoise,
    SampleKeyFrame,
)
from mmvidext.evaluation import VideoConsistency, VIDMetric
from mmvidext.layers import DynamicFilter, MotionSqueeze, TemporalShift
from mmvidext.layers.temporal_interlace import TemporalInterlace
from mmvidext.models.backbones import P3DResNet, VideoResNet
from mmvidext.models.flow import FlowNetC, FlowNetS, MultiLevelEPE
from mmvidext.models.necks import DilatedConvNeck, LSDFNNeck
from mmvidext.models.propagation import AdaptiveInterval, FixedInterval, FlowInput
from mmvidext.registry import METRICS, MODELS, TRANSFORMS

WHOLE = (0, -1, math.nan, math.inf, 2.5, '3', True)
SIZED = (-1, math.nan, math.inf, '0.5', None, True)  # of what may be 0 or a fraction
PAIR = (5, None, 'ab', (1,), (1, 2, 3), (-3, 5), (0, math.nan), (5, 1))
SEVERAL = (5, 'ab', (), (-3, 5), (math.nan,), (2.5,), ('1',))


def stretch(**ranges):
    return FlowPairAffine(shared=ranges)


def affine(**arguments):
    return FlowPairAffine(shared={}, **arguments)


def r2plus1d(**arguments):
    return VideoResNet('r2plus1d', 18, **arguments)


def p3d(**arguments):
    return P3DResNet(50, **arguments)


def r2d(clip_len):
    return VideoResNet('r2d', 18, clip_len=clip_len)


def lsdfn(in_channels=4, **arguments):
    return LSDFNNeck(in_channels, **arguments)


def dynamic_filter(in_channels=6, **arguments):
    return DynamicFilter(in_channels, **arguments)


def motion_squeeze(in_channels=8, num_segments=4, **arguments):
    return MotionSqueeze(in_channels, num_segments, **arguments)


def shift(num_segments=4, **arguments):
    return TemporalShift(nn.Identity(), num_segments, **arguments)


def interlace(in_channels=16, num_segments=4, **arguments):
    return TemporalInterlace(in_channels, num_segments, **arguments)


def dilated(in_channels=4, out_channels=4, **arguments):
    return DilatedConvNeck(in_channels, out_channels, **arguments)


def of(registry, name, toolbox, **given):
    def build(**arguments):
        pytest.importorskip(toolbox)
        return registry.build({'type': f'mmvidext.{name}', **given, **arguments})

    build.__name__ = name
    return build


boxes = of(TRANSFORMS, 'LoadClipBoxes', 'mmdet')
iou = of(METRICS, 'VideoIoUMetric', 'mmseg')
deeplab = of(MODELS, 'DeepLabV2Head', 'mmseg', in_channels=4, num_classes=3)
rfcn = of(MODELS, 'RFCNHead', 'mmdet', in_channels=4, num_classes=3)

CASES = [
    (SampleKeyFrame, 'distance', (math.nan, 2.5, '3', None, True, (0, 2.5), (1,), (5, 1))),
    (SampleKeyFrame, 'zero_probability', SIZED),
    (affine, 'max_draws', WHOLE),
    *[(stretch, name, PAIR) for name in ('zoom', 'stretch')],
    *[(stretch, name, SIZED) for name in ('translate', 'rotate')],
    *[(FlowPairColorJitter, name, SIZED) for name in ('brightness', 'contrast', 'saturation', 'hue')],
    (FlowPairGamma, 'gamma_range', PAIR),
    (FlowPairNoise, 'sigma_range', PAIR),
    (FlowPairFlip, 'prob', SIZED),
    (FlowPairCrop, 'crop_size', (*PAIR[:-1], (0, 5), (2.5, 5))),
    (boxes, 'min_size', SIZED),
    *[
        (dynamic_filter, name, WHOLE)
        for name in (
            *('in_channels', 'out_channels', 'dynamic_channels', 'feature_channels', 'kernel_channels'),
            *('kernel_size', 'num_samples', 'sample_stride', 'chunk_channels'),
        )
    ],
    (dynamic_filter, 'kernel_std', SIZED),
    *[
        (motion_squeeze, name, WHOLE)
        for name in ('in_channels', 'num_segments', 'reduced_channels', 'max_displacement')
    ],
    *[(motion_squeeze, name, (0, *SIZED[:4])) for name in ('sigma', 'temperature')],
    *[(shift, name, WHOLE) for name in ('num_segments', 'shift_div')],
    *[(interlace, name, WHOLE) for name in ('in_channels', 'num_segments', 'shift_div')],
    *[(net, 'in_channels', WHOLE) for net in (FlowNetS, FlowNetC, r2plus1d, p3d)],
    *[(net, 'width', (0, *SIZED)) for net in (FlowNetS, FlowNetC)],
    (MultiLevelEPE, 'weights', SEVERAL[:-2]),
    *[(dilated, name, WHOLE) for name in ('in_channels', 'out_channels', 'dilation')],
    (lsdfn, 'post_channels', WHOLE),
    (deeplab, 'dilations', SEVERAL),
    *[(rfcn, name, WHOLE) for name in ('in_channels', 'stride', 'num_hard', 'roi_feat_size')],
    (rfcn, 'first_channel', WHOLE[1:]),
    *[(r2plus1d, name, WHOLE) for name in ('base_channels', 'stem_mid_channels')],
    (r2plus1d, 'temporal_strides', SEVERAL),
    (r2plus1d, 'out_indices', SEVERAL),
    (r2d, 'clip_len', WHOLE),
    (FlowInput, 'mean', SEVERAL[:-2]),
    (FlowInput, 'std', (*SEVERAL[:-2], (1, 1, 0))),
    (VIDMetric, 'distances', SEVERAL),
    (VIDMetric, 'max_per_frame', WHOLE),
    (iou, 'distances', SEVERAL),
    (iou, 'key_frame_interval', WHOLE),
    (VideoConsistency, 'window_sizes', (*SEVERAL, (1,))),
]


@pytest.mark.parametrize(('build', 'name', 'values'), CASES, ids=lambda value: getattr(value, '__name__', None))
def test_a_wrong_number_is_named(build, name, values):
    for value in values:
        with pytest.raises(ValueError, match=rf'\b{name}\b.* must|{name} [0-9.]+ with|{name}=') as caught:
            build(**{name: value})
        assert '\n' not in str(caught.value)


@pytest.mark.parametrize('value', WHOLE)
def test_wrong_intervals(value):
    with pytest.raises(ValueError, match='the key-frame interval must be a whole number'):
        FixedInterval(value)
    with pytest.raises(ValueError, match='the greatest key-frame interval must be a whole number'):
        AdaptiveInterval(max_interval=value)


def test_numbers_of_numpy_are_numbers():
    assert SampleKeyFrame(np.int64(3)).high == 3
    assert FlowPairCrop([np.int64(3), 5]).crop_size == [3, 5]
    assert FlowPairFlip(np.float32(0.5)).prob == 0.5


@pytest.mark.parametrize('shape', [(0, 3, 2), (3, 0, 2)])
def test_a_flow_without_pixels_is_not_written(tmp_path, shape):
    with pytest.raises(ValueError, match=r'flow must be .* of one pixel or more'):
        write_flo(tmp_path / 'a.flo', np.zeros(shape, np.float32))
    assert not list(tmp_path.iterdir())
