"""Pure tensor functions: the arithmetic of each paper. They import torch only."""

from mmvidext.ops.bbox_overlaps import bbox_overlaps
from mmvidext.ops.carafe import carafe
from mmvidext.ops.deform_conv2d import deform_conv2d
from mmvidext.ops.dynamic_filter import ProjectedKernel, dynamic_filter
from mmvidext.ops.flow_color import flow_color_wheel, flow_to_image
from mmvidext.ops.flow_warp import flow_warp
from mmvidext.ops.kernel_soft_argmax import kernel_soft_argmax
from mmvidext.ops.local_correlation import local_correlation
from mmvidext.ops.masked_conv2d import masked_conv2d
from mmvidext.ops.nms import nms
from mmvidext.ops.nms_match import nms_match
from mmvidext.ops.ps_roi_pool import ps_roi_pool
from mmvidext.ops.roi_align import roi_align
from mmvidext.ops.sample_pooling import pool_samples
from mmvidext.ops.sigmoid_focal_loss import sigmoid_focal_loss
from mmvidext.ops.soft_nms import soft_nms
from mmvidext.ops.temporal_interlace import temporal_interlace
from mmvidext.ops.temporal_shift import temporal_shift, temporal_shift_step

__all__ = [
    'ProjectedKernel',
    'bbox_overlaps',
    'carafe',
    'deform_conv2d',
    'dynamic_filter',
    'flow_color_wheel',
    'flow_to_image',
    'flow_warp',
    'kernel_soft_argmax',
    'local_correlation',
    'masked_conv2d',
    'nms',
    'nms_match',
    'pool_samples',
    'ps_roi_pool',
    'roi_align',
    'sigmoid_focal_loss',
    'soft_nms',
    'temporal_interlace',
    'temporal_shift',
    'temporal_shift_step',
]
