# TSM-MobileNetV2. The data set says num_segments and num_classes. For ImageNet weights set model.backbone.pretrained.
model = dict(
    type='Recognizer2D',
    backbone=dict(type='mmvidext.MobileNetV2TSM', pretrained=None),
    cls_head=dict(
        type='TSMHead',
        in_channels=1280,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.5,
        init_std=0.001,
        is_shift=True,
        # the official code averages logits
        average_clips='score',
    ),
    data_preprocessor=dict(
        type='mmvidext.ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCHW',
    ),
)
