# What every Deep Feature Flow model at 512x1024 shares, for `dict(segmentor=..., **_base_.deep_feature_flow)`. The flow
# network's weights come from flownets_flyingchairs.py, or from published ones (tools/convert_checkpoint.py); its
# input is normalised as there.
deep_feature_flow = dict(
    type='mmvidext.DeepFeatureFlow',
    data_preprocessor=dict(
        type='mmvidext.VideoSegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(512, 1024),
    ),
    flow_net=dict(
        type='mmvidext.FlowNetS',
        init_cfg=dict(type='Pretrained', checkpoint='checkpoints/flownets_flyingchairs.pth', prefix='flow_net.'),
    ),
    flow_input=dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0]),
    key_frame_interval=5,
    propagate='feature',
    scale_map=True,
)
