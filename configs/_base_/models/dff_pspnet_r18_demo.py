# Deep Feature Flow around the small PSPNet of pspnet_r18_demo.py. The config adds the flow network; the data set says
# num_classes.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='mmvidext.DeepFeatureFlow',
    data_preprocessor=dict(
        type='mmvidext.VideoSegDataPreProcessor',
        mean=[127.5, 127.5, 127.5],
        std=[64.0, 64.0, 64.0],
        bgr_to_rgb=True,
        size_divisor=8,
    ),
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='ResNetV1c',
            depth=18,
            base_channels=16,
            stem_channels=16,
            num_stages=4,
            out_indices=(0, 1, 2, 3),
            dilations=(1, 1, 2, 4),
            strides=(1, 2, 1, 1),
            norm_cfg=norm_cfg,
            contract_dilation=True,
        ),
        decode_head=dict(
            type='PSPHead',
            in_channels=128,
            in_index=3,
            channels=32,
            pool_scales=(1, 2, 3, 6),
            dropout_ratio=0.1,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    ),
    key_frame_interval=5,
)
