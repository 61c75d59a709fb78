# The 2D baseline: ResNet-50 on every frame, the frames' logits averaged. The data set says num_classes.
model = dict(
    type='Recognizer2D',
    backbone=dict(type='mmaction.ResNet', depth=50, pretrained=None, norm_eval=False),
    cls_head=dict(
        type='TSNHead',
        in_channels=2048,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.5,
        init_std=0.001,
        average_clips='score',
    ),
    data_preprocessor=dict(
        type='mmvidext.ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCHW',
    ),
)
