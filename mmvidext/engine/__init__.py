"""Hooks and optimizer-wrapper constructors."""

from importlib.util import find_spec

from mmvidext.engine.segments_check_hook import SegmentsCheckHook

__all__ = ['SegmentsCheckHook']

if find_spec('mmseg') is not None:
    from mmvidext.engine.video_learning_rate_decay import VideoLearningRateDecay as VideoLearningRateDecay

    __all__ += ['VideoLearningRateDecay']
