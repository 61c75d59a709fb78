_base_ = [
    './_base_/segmentation_runtime.py',
    './_base_/models/dff_r50.py',
    './_base_/models/dff_flownets.py',
    './_base_/datasets/cityscapes_video.py',
    './_base_/schedules/dff_cityscapes.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    segmentor=dict(
        pretrained='open-mmlab://resnet101_v1c',
        backbone=dict(depth=101),
        decode_head=dict(type='ASPPHead', dilations=(1, 12, 24, 36), num_classes=_base_.num_classes),
        auxiliary_head=dict(num_classes=_base_.num_classes),
    ),
    flow_net=_base_.flow_net,
    flow_input=_base_.flow_input,
)
