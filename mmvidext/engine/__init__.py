"""Hooks and optimizer-wrapper constructors."""

from mmvidext.engine.num_classes_check_hook import NumClassesCheckHook
from mmvidext.engine.segments_check_hook import SegmentsCheckHook

__all__ = ['NumClassesCheckHook', 'SegmentsCheckHook']
