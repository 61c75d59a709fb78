"""Optical flow networks, their loss and the trainable estimator."""

from mmvidext.models.flow.flow_estimator import FlowEstimator
from mmvidext.models.flow.flownet import upsample_flow
from mmvidext.models.flow.flownet_c import FlowNetC
from mmvidext.models.flow.flownet_s import FlowNetS
from mmvidext.models.flow.multi_level_epe import MultiLevelEPE

__all__ = ['FlowEstimator', 'FlowNetC', 'FlowNetS', 'MultiLevelEPE', 'upsample_flow']
