"""What every Deep Feature Flow model shares, whatever its task: flow, warp, scale, key frames, clips and freezing."""

from mmvidext.models.propagation.feature_flow import FeatureFlow, KeyFrame, Motion
from mmvidext.models.propagation.flow_input import FlowInput
from mmvidext.models.propagation.flow_network import FlowNetwork
from mmvidext.models.propagation.key_frame_policy import AdaptiveInterval, FixedInterval, KeyFramePolicy
from mmvidext.models.propagation.propagating_model import PropagatingModel
from mmvidext.models.propagation.zero_flow import ZeroFlow

__all__ = [
    'AdaptiveInterval',
    'FeatureFlow',
    'FixedInterval',
    'FlowInput',
    'FlowNetwork',
    'KeyFrame',
    'KeyFramePolicy',
    'Motion',
    'PropagatingModel',
    'ZeroFlow',
]
