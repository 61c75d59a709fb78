"""Modules around the ops, shared by the models."""

from mmvidext.layers.dynamic_filter import DynamicFilter
from mmvidext.layers.motion_squeeze import MotionSqueeze
from mmvidext.layers.temporal_shift import TemporalShift

__all__ = ['DynamicFilter', 'MotionSqueeze', 'TemporalShift']
