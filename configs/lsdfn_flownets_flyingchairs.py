# LS-DFN where FlowNetS's images meet, joined to the skip connection of its level; twice the batch for a quarter of the
# steps, as in the paper.
_base_ = [
    './_base_/flow_runtime.py',
    './_base_/models/flownets.py',
    './_base_/datasets/flying_chairs.py',
    './_base_/schedules/lsdfn_flow.py',
]

batch_size = 16
model = dict(
    flow_net=dict(
        dynamic_filter=dict(
            type='mmvidext.DynamicFilter',
            num_samples=7,
            sample_stride=2,
            act_cfg=dict(type='LeakyReLU', negative_slope=0.1),
        )
    )
)
train_dataloader = dict(batch_size=batch_size)
