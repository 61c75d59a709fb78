_base_ = './default_runtime.py'

default_scope = 'mmseg'
log_processor = dict(by_epoch=False)
default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2000, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),  # --show-dir of the test commands switches it on
)
custom_hooks = [
    dict(type='mmvidext.NumClassesCheckHook'),
    dict(type='mmvidext.ExactResumeHook'),
    dict(type='mmvidext.BadFilesHook'),
]
visualizer = dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer')
