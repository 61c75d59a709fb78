# Deep Feature Flow on videos of your own: see docs/own_data.md. Sizes and paths are set with --cfg-options NAME=VALUE.
_base_ = [
    './_base_/segmentation_runtime.py',
    './_base_/models/dff_r50.py',
    './_base_/datasets/small_video_folders.py',
    './_base_/schedules/small_data_iters.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size, test_cfg=dict(size_divisor=8)),
    segmentor=dict(
        pretrained=None,
        backbone=dict(depth=18),
        decode_head=dict(
            type='PSPHead', pool_scales=(1, 2, 3, 6), in_channels=512, channels=128, num_classes=_base_.num_classes
        ),
        auxiliary_head=dict(in_channels=256, channels=64, num_classes=_base_.num_classes),
    ),
    flow_net=dict(type='mmvidext.FlowNetS', width=0.5),
    flow_input=dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0]),
    key_frame_interval=_base_.key_frame_interval,
)
default_hooks = dict(checkpoint=dict(interval=max(1, _base_.max_iters // 4), save_best='mIoU'))
