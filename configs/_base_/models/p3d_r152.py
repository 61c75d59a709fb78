# P3D-199. The data set says num_classes. Four temporal poolings leave one of 16 frames.
model = dict(
    type='Recognizer3D',
    backbone=dict(type='mmvidext.P3DResNet', depth=152, blocks='ABC', pretrained=None),
    cls_head=dict(
        type='I3DHead',
        in_channels=2048,
        spatial_type='avg',
        dropout_ratio=0.5,
        init_std=0.01,
        average_clips='prob',
    ),
    data_preprocessor=dict(
        type='mmvidext.ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCTHW',
    ),
)
