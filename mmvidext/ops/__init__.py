"""Pure tensor functions: the arithmetic of each paper. They import torch only."""

from mmvidext.ops.dynamic_filter import ProjectedKernel, dynamic_filter
from mmvidext.ops.flow_color import flow_color_wheel, flow_to_image
from mmvidext.ops.flow_warp import flow_warp
from mmvidext.ops.kernel_soft_argmax import kernel_soft_argmax
from mmvidext.ops.local_correlation import local_correlation
from mmvidext.ops.sample_pooling import pool_samples
from mmvidext.ops.temporal_interlace import temporal_interlace
from mmvidext.ops.temporal_shift import temporal_shift, temporal_shift_step

__all__ = [
    'ProjectedKernel',
    'dynamic_filter',
    'flow_color_wheel',
    'flow_to_image',
    'flow_warp',
    'kernel_soft_argmax',
    'local_correlation',
    'pool_samples',
    'temporal_interlace',
    'temporal_shift',
    'temporal_shift_step',
]
