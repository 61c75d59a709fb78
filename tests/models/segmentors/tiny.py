"""Segmentors and flow networks small enough for the test suite."""

import torch
from mmengine.config import ConfigDict
from torch import nn

from mmvidext.registry import MODELS

PREPROCESSOR = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    size_divisor=1,
)


def fcn(num_classes=3, **kwargs):
    """Config of a small FCN on a small ResNet: stride 8."""
    norm_cfg = dict(type='BN')
    return ConfigDict(
        type='EncoderDecoder',
        data_preprocessor=PREPROCESSOR,
        backbone=dict(
            type='ResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            strides=(1, 2, 1, 1),
            dilations=(1, 1, 2, 4),
            norm_cfg=norm_cfg,
        ),
        decode_head=dict(
            type='FCNHead',
            in_channels=64,
            in_index=3,
            channels=8,
            num_convs=1,
            concat_input=False,
            num_classes=num_classes,
            norm_cfg=norm_cfg,
        ),
        train_cfg={},
        test_cfg=dict(mode='whole'),
        **kwargs,
    )


@MODELS.register_module()
class ConstantFlow(nn.Module):
    """A flow network that always says the same, in pixels of its input."""

    feature_channels = 3
    feature_stride = 4

    def __init__(self, x=0.0, y=0.0):
        super().__init__()
        self.flow = nn.Parameter(torch.tensor([x, y], dtype=torch.float32))

    def estimate_at_stride(self, first, second, *, stride):
        size = [-(-length // stride) for length in first.shape[-2:]]
        flow = self.flow.view(1, 2, 1, 1).expand(len(first), 2, *size)
        return flow, torch.ones(len(first), self.feature_channels, *size) + 0 * self.flow.sum()


def constant_flow(x=0.0, y=0.0):
    return dict(type='mmvidext.ConstantFlow', x=x, y=y)
