_base_ = './default_runtime.py'

default_scope = 'mmdet'
default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='DetVisualizationHook'),  # --show-dir of the test commands switches it on
)
custom_hooks = [
    dict(type='mmvidext.NumClassesCheckHook'),
    dict(type='mmvidext.ExactResumeHook'),
    dict(type='mmvidext.BadFilesHook'),
]
visualizer = dict(type='DetLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer')
