# TIN-ResNet-50. The data set says num_segments and num_classes. For ImageNet weights set model.backbone.pretrained.
model = dict(
    type='Recognizer2D',
    backbone=dict(type='mmvidext.TINResNet', depth=50, shift_div=4, pretrained=None),
    cls_head=dict(
        type='TSMHead',
        in_channels=2048,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.8,
        init_std=0.001,
        is_shift=True,
        # the official code averages probabilities
        average_clips='prob',
    ),
    data_preprocessor=dict(
        type='mmvidext.ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCHW',
    ),
)
