"""Hooks, optimizer-wrapper constructors, and the strategy for FSDP."""

from importlib.util import find_spec

from mmvidext.engine.bad_files_hook import BadFilesHook
from mmvidext.engine.channels_last_hook import ChannelsLastHook
from mmvidext.engine.checkpoint_hook import CheckpointHook
from mmvidext.engine.clip_picture_hook import ClipPictureHook
from mmvidext.engine.exact_resume_hook import ExactResumeHook
from mmvidext.engine.fsdp_strategy import FSDPStrategy
from mmvidext.engine.non_finite_hook import NonFiniteHook
from mmvidext.engine.num_classes_check_hook import NumClassesCheckHook
from mmvidext.engine.run_error import RunError
from mmvidext.engine.scratch_warning_hook import ScratchWarningHook
from mmvidext.engine.segments_check_hook import SegmentsCheckHook
from mmvidext.engine.start_weights_hook import StartWeightsHook
from mmvidext.engine.visualization_hook import VisualizationHook

__all__ = [
    'BadFilesHook',
    'ChannelsLastHook',
    'CheckpointHook',
    'ClipPictureHook',
    'ExactResumeHook',
    'FSDPStrategy',
    'NonFiniteHook',
    'NumClassesCheckHook',
    'RunError',
    'ScratchWarningHook',
    'SegmentsCheckHook',
    'StartWeightsHook',
    'VisualizationHook',
]

if find_spec('mmseg') is not None:
    from mmvidext.engine.video_learning_rate_decay import VideoLearningRateDecay as VideoLearningRateDecay

    __all__ += ['VideoLearningRateDecay']
