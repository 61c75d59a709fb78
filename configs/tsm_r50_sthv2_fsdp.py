# TSM-ResNet-50 with weights, gradients and optimizer state shared out among the GPUs (FSDP). It starts with torchrun.
_base_ = './tsm_r50_sthv2.py'

runner_type = 'FlexibleRunner'
strategy = dict(
    type='mmvidext.FSDPStrategy',
    model_wrapper=dict(
        auto_wrap_policy=dict(type='torch.distributed.fsdp.wrap.size_based_auto_wrap_policy', min_num_params=1_000_000),
        use_orig_params=True,
    ),
)
# without mmvidext.ExactResumeHook and mmvidext.BadFilesHook, which are for mmengine's Runner
custom_hooks = [
    dict(type='mmvidext.SegmentsCheckHook'),
    dict(type='mmvidext.NumClassesCheckHook'),
    dict(type='mmvidext.ScratchWarningHook'),
]
