_base_ = './default_runtime.py'

default_scope = 'mmaction'
env_cfg = dict(cudnn_benchmark=True)  # crops and clips have one size
default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, save_best='auto', max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    sync_buffers=dict(type='SyncBuffersHook'),
    visualization=dict(type='mmvidext.ClipPictureHook'),  # --show-dir of the test commands switches it on
)
custom_hooks = [
    dict(type='mmvidext.SegmentsCheckHook'),
    dict(type='mmvidext.NumClassesCheckHook'),
    dict(type='mmvidext.ScratchWarningHook'),
    dict(type='mmvidext.ExactResumeHook'),
    dict(type='mmvidext.BadFilesHook'),
]
visualizer = dict(type='ActionVisualizer', vis_backends=[dict(type='LocalVisBackend')])
