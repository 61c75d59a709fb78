"""Hooks."""

from mmvidext.engine.segments_check_hook import SegmentsCheckHook

__all__ = ['SegmentsCheckHook']
