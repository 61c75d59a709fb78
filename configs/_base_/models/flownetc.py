# FlowNetC. Images are RGB in [0, 1].
model = dict(
    type='mmvidext.FlowEstimator',
    data_preprocessor=dict(type='mmvidext.FlowDataPreprocessor', mean=[0, 0, 0], std=[255, 255, 255]),
    flow_net=dict(type='mmvidext.FlowNetC'),
    loss=dict(type='mmvidext.MultiLevelEPE', weights=[0.005, 0.01, 0.02, 0.08, 0.32]),
)
