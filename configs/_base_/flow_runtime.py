_base_ = './default_runtime.py'

# optimizers, hooks and samplers are mmengine's; what is ours is written with its scope, mmvidext.
default_scope = 'mmengine'
log_processor = dict(by_epoch=False)
default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=10000, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
)
custom_hooks = [dict(type='mmvidext.ExactResumeHook'), dict(type='mmvidext.BadFilesHook')]
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
