# Deep Feature Flow around the small FCOS of fcos_r18_demo.py. The config adds the flow network; the data set says
# num_classes.
model = dict(
    type='mmvidext.DeepFeatureFlowDetector',
    data_preprocessor=dict(
        type='mmvidext.VideoDetDataPreprocessor',
        mean=[127.5, 127.5, 127.5],
        std=[64.0, 64.0, 64.0],
        bgr_to_rgb=True,
        pad_size_divisor=8,
    ),
    detector=dict(
        type='SingleStageDetector',
        backbone=dict(
            type='ResNet',
            depth=18,
            stem_channels=16,
            base_channels=16,
            num_stages=3,
            strides=(1, 2, 1),
            dilations=(1, 1, 2),
            out_indices=(2,),
            norm_cfg=dict(type='BN', requires_grad=True),
            norm_eval=False,
        ),
        bbox_head=dict(
            type='FCOSHead',
            in_channels=64,
            feat_channels=64,
            stacked_convs=2,
            strides=[8],
            regress_ranges=((-1, 1e8),),
            norm_on_bbox=True,
            centerness_on_reg=True,
            center_sampling=True,
            loss_bbox=dict(type='GIoULoss', loss_weight=1.0),
        ),
        test_cfg=dict(
            nms_pre=200, min_bbox_size=0, score_thr=0.01, nms=dict(type='nms', iou_threshold=0.5), max_per_img=50
        ),
    ),
    key_frame_interval=10,
)
