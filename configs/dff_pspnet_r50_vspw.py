_base_ = [
    './_base_/segmentation_runtime.py',
    './_base_/models/dff_r50.py',
    './_base_/models/dff_flownets.py',
    './_base_/datasets/vspw.py',
    './_base_/schedules/dff_cityscapes.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    segmentor=dict(
        decode_head=dict(type='PSPHead', pool_scales=(1, 2, 3, 6), num_classes=_base_.num_classes),
        auxiliary_head=dict(num_classes=_base_.num_classes),
    ),
    flow_net=_base_.flow_net,
    flow_input=_base_.flow_input,
    key_frame_interval=_base_.key_frame_interval,
)
