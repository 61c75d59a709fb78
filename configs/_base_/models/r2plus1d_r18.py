# R(2+1)D, 18 layers, as VMZ trains it: clips of 112x112, its mean and standard deviation. The data set says
# num_classes.
model = dict(
    type='Recognizer3D',
    backbone=dict(type='mmvidext.VideoResNet', arch='r2plus1d', depth=18, pretrained=None),
    cls_head=dict(
        type='I3DHead',
        in_channels=512,
        spatial_type='avg',
        dropout_ratio=0.0,
        init_std=0.01,
        average_clips='prob',
    ),
    data_preprocessor=dict(
        type='mmvidext.ActionDataPreprocessor',
        mean=[110.2008, 100.63983, 95.99475],
        std=[58.14765, 56.46975, 55.332195],
        format_shape='NCTHW',
    ),
)
