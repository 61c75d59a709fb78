"""Hooks."""

from mmvidext.engine.num_classes_check_hook import NumClassesCheckHook
from mmvidext.engine.segments_check_hook import SegmentsCheckHook
from mmvidext.engine.start_weights_hook import StartWeightsHook

__all__ = ['NumClassesCheckHook', 'SegmentsCheckHook', 'StartWeightsHook']
