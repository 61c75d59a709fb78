"""Hooks."""

from mmvidext.engine.segments_check_hook import SegmentsCheckHook
from mmvidext.engine.start_weights_hook import StartWeightsHook

__all__ = ['SegmentsCheckHook', 'StartWeightsHook']
