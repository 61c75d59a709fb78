# Deep Feature Flow around the small PSPNet, which pspnet_r18_demo.py trains, and the flow network of flownets_demo.py.
_base_ = './pspnet_r18_demo.py'

model = dict(
    _delete_=True,
    type='mmvidext.DeepFeatureFlow',
    segmentor={{_base_.model}},
    flow_net=dict(
        type='mmvidext.FlowNetS',
        width=0.25,
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/flownets_demo/iter_3000.pth', prefix='flow_net.'),
    ),
    flow_input=dict(mean=[127.5, 127.5, 127.5], std=[255.0, 255.0, 255.0]),
    key_frame_interval=5,
)
