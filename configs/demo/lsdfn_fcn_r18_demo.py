# fcn_r18_demo.py with LS-DFN between backbone and head
_base_ = './fcn_r18_demo.py'
model = dict(
    neck=dict(
        type='mmvidext.LSDFNNeck',
        in_channels=128,
        post_channels=64,
        feature_channels=64,
        norm_cfg=dict(type='BN'),
    ),
    decode_head=dict(in_channels=192),
)
