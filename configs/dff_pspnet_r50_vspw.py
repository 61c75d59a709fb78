_base_ = [
    './_base_/segmentation_runtime.py',
    './_base_/dff_pspnet_r50.py',
    './_base_/vspw_video.py',
    './_base_/dff_schedule.py',
]
model = dict(
    data_preprocessor=dict(size=(480, 480)),
    segmentor=dict(decode_head=dict(num_classes=124), auxiliary_head=dict(num_classes=124)),
)
