# flownets_demo.py with LS-DFN behind conv3
_base_ = './flownets_demo.py'
model = dict(
    flow_net=dict(
        dynamic_filter=dict(
            type='mmvidext.DynamicFilter',
            out_channels=64,
            num_samples=7,
            sample_stride=2,
            feature_channels=64,
            act_cfg=dict(type='LeakyReLU', negative_slope=0.1),
        )
    )
)
