# The frame-by-frame baseline of dff_pspnet_r50_vspw.py, in a stream in which every frame is a key frame.
_base_ = [
    './_base_/segmentation_runtime.py',
    './_base_/models/dff_pspnet_r50.py',
    './_base_/datasets/vspw_frames.py',
    './_base_/schedules/dff_cityscapes.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    segmentor=dict(
        decode_head=dict(num_classes=_base_.num_classes),
        auxiliary_head=dict(num_classes=_base_.num_classes),
    ),
    flow_net=dict(type='mmvidext.ZeroFlow'),
    key_frame_interval=_base_.key_frame_interval,
    scale_map=False,
)
