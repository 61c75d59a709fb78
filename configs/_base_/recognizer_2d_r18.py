# A recogniser that reads frames, (N*T, 3, H, W), around a ResNet-18 with a temporal part.
model = dict(
    type='Recognizer2D',
    backbone=dict(type='mmvidext.TSMResNet', depth=18, num_segments=8, pretrained=None),
    cls_head=dict(
        type='TSMHead',
        num_classes=4,
        in_channels=512,
        num_segments=8,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.0,
        init_std=0.01,
        average_clips='score',
    ),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCHW',
    ),
)
