# The frame-by-frame baseline of dff_pspnet_r50_vspw.py, in a stream in which every frame is a key frame.
_base_ = [
    './_base_/segmentation_runtime.py',
    './_base_/models/dff_r50.py',
    './_base_/datasets/vspw.py',
    './_base_/schedules/dff_cityscapes.py',
]

batch_size = 2
key_frame_interval = 1
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    segmentor=dict(
        decode_head=dict(type='PSPHead', pool_scales=(1, 2, 3, 6), num_classes=_base_.num_classes),
        auxiliary_head=dict(num_classes=_base_.num_classes),
    ),
    flow_net=dict(type='mmvidext.ZeroFlow'),
    key_frame_interval=key_frame_interval,
    scale_map=False,
)
train_dataloader = dict(batch_size=batch_size)
val_dataloader = dict(dataset=dict(key_frame_interval=key_frame_interval))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmvidext.VideoIoUMetric', distances=list(range(key_frame_interval))),
    dict(type='mmvidext.VideoConsistency', window_sizes=[8, 16]),
]
test_evaluator = val_evaluator
