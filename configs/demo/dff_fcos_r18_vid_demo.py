# Deep Feature Flow around the FCOS that fcos_r18_vid_demo.py trains and the flow network of flownets_vid_demo.py, on
# generated videos: the flow network learns with the detector's losses.
_base_ = [
    '../_base_/detection_runtime.py',
    '../_base_/models/dff_fcos_r18_demo.py',
    '../_base_/datasets/imagenet_vid_demo.py',
    '../_base_/schedules/vid_demo.py',
]

model = dict(
    detector=dict(
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/fcos_r18_vid_demo/iter_1000.pth'),
        bbox_head=dict(num_classes=_base_.num_classes),
    ),
    flow_net=dict(
        type='mmvidext.FlowNetS',
        width=0.25,
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/flownets_vid_demo/iter_10000.pth', prefix='flow_net.'),
    ),
    flow_input=dict(mean=[127.5, 127.5, 127.5], std=[255.0, 255.0, 255.0]),
    freeze=('feature',),
)
# both networks have been trained: features stay, heads and flow learn slowly; at the full rate the flow forgets how to
# be exact from one frame to the next
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'detector': dict(lr_mult=0.2), 'flow_net': dict(lr_mult=0.03)}),
)
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(interval=50, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=1000, max_keep_ckpts=1),
)
