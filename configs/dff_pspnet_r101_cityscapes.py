_base_ = [
    './_base_/segmentation_runtime.py',
    './_base_/dff_pspnet_r50.py',
    './_base_/cityscapes_video.py',
    './_base_/dff_schedule.py',
]
model = dict(segmentor=dict(pretrained='open-mmlab://resnet101_v1c', backbone=dict(depth=101)))
