# The flow network of mmtracking's Deep Feature Flow: no biases in the decoder, the mean in the order B, G, R. The file
# holds its FlowNetSimple alone, under the names of mmtracking.
flow_net = dict(
    type='mmvidext.FlowNetS',
    deconv_bias=False,
    predict_bias=False,
    upflow_bias=False,
    init_cfg=dict(type='Pretrained', checkpoint='checkpoints/mmtracking_flownets.pth', prefix='flow_net.'),
)
flow_input = dict(mean=[104.805, 110.16, 114.75], std=[255.0, 255.0, 255.0])
