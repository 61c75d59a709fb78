# Deep Feature Flow around the PSPNet that pspnet_r18_demo.py trains and the flow network of flownets_demo.py: trained
# end to end on generated scenes.
_base_ = [
    '../_base_/segmentation_runtime.py',
    '../_base_/models/dff_pspnet_r18_demo.py',
    '../_base_/datasets/cityscapes_video_demo.py',
    '../_base_/schedules/dff_demo.py',
]

model = dict(
    segmentor=dict(
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/pspnet_r18_demo/iter_1500.pth'),
        decode_head=dict(num_classes=_base_.num_classes),
    ),
    flow_net=dict(
        type='mmvidext.FlowNetS',
        width=0.25,
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/flownets_demo/iter_3000.pth', prefix='flow_net.'),
    ),
    flow_input=dict(mean=[127.5, 127.5, 127.5], std=[255.0, 255.0, 255.0]),
)
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=1500, max_keep_ckpts=1))
