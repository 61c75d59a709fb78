# What every config shares. `default_scope` is set by the task's own base (recognition: mmaction, segmentation: mmseg).
custom_imports = dict(imports=['mmvidext'], allow_failed_imports=False)
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # a process that waits longer than this (seconds) for another one ends the run with an error
    dist_cfg=dict(backend='nccl', timeout=1800),
)
log_processor = dict(type='LogProcessor', window_size=20, by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
default_hooks = dict(non_finite=dict(type='mmvidext.NonFiniteHook'))
