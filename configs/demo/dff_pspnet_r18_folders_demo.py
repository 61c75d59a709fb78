# Deep Feature Flow on videos of one's own, kept as folders of frames and labels. Backbone and flow network start from
# random weights, so that it runs without another file.
_base_ = [
    '../_base_/segmentation_runtime.py',
    '../_base_/models/dff_pspnet_r18_demo.py',
    '../_base_/datasets/video_folders_demo.py',
    '../_base_/schedules/dff_demo.py',
]

model = dict(
    segmentor=dict(decode_head=dict(num_classes=_base_.num_classes)),
    flow_net=dict(type='mmvidext.FlowNetS', width=0.25),
    flow_input=dict(mean=[127.5, 127.5, 127.5], std=[255.0, 255.0, 255.0]),
    key_frame_interval=_base_.key_frame_interval,
)
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=1500, max_keep_ckpts=1))
