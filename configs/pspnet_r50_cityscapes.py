# The frame-by-frame baseline of dff_pspnet_r50_cityscapes.py.
_base_ = [
    './_base_/segmentation_runtime.py',
    'mmseg::_base_/models/pspnet_r50-d8.py',
    './_base_/datasets/cityscapes_frames.py',
    './_base_/schedules/mmseg_40k.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=_base_.num_classes),
    auxiliary_head=dict(num_classes=_base_.num_classes),
)
