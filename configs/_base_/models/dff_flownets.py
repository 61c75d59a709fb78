# The flow network of Deep Feature Flow: its weights come from flownets_flyingchairs.py, or from published ones
# (tools/convert_checkpoint.py). Its input is normalized as there.
flow_net = dict(
    type='mmvidext.FlowNetS',
    init_cfg=dict(type='Pretrained', checkpoint='checkpoints/flownets_flyingchairs.pth', prefix='flow_net.'),
)
flow_input = dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0])
