# The frame-by-frame baseline of dff_deeplabv3_r101_cityscapes.py.
_base_ = [
    './_base_/segmentation_runtime.py',
    'mmseg::_base_/models/deeplabv3_r50-d8.py',
    './_base_/datasets/cityscapes_frames.py',
    './_base_/schedules/mmseg_40k.py',
]

model = dict(
    pretrained='open-mmlab://resnet101_v1c',
    backbone=dict(depth=101),
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=_base_.num_classes),
    auxiliary_head=dict(num_classes=_base_.num_classes),
)
