# Deep Feature Flow around R-FCN, as the authors' code has it. The config adds the flow network; the data set says
# num_classes.
#
# ResNet-101 in Caffe's style (stride on the first 1x1), fifth stage at stride 16 with dilation 2; a dilated 3x3
# convolution to 1024 channels, which is what is propagated: the first half is read by the RPN, the second by R-FCN. All
# weights and biases of batch norms, the stem and the second stage are frozen. Boxes have width x2 - x1 + 1. The weights
# are those that Caffe's ResNet-101 has in detectron2: BGR, less the mean.
norm_cfg = dict(type='BN', requires_grad=False)
model = dict(
    type='mmvidext.DeepFeatureFlowDetector',
    data_preprocessor=dict(
        type='mmvidext.VideoDetDataPreprocessor',
        mean=[103.06, 115.90, 123.15],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
        pad_size_divisor=1,
    ),
    detector=dict(
        type='FasterRCNN',
        backbone=dict(
            type='ResNet',
            depth=101,
            num_stages=4,
            strides=(1, 2, 2, 1),
            dilations=(1, 1, 1, 2),
            out_indices=(3,),
            frozen_stages=1,
            norm_cfg=norm_cfg,
            norm_eval=True,
            style='caffe',
            init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://detectron2/resnet101_caffe'),
        ),
        neck=dict(type='mmvidext.DilatedConvNeck', in_channels=2048, out_channels=1024, dilation=6),
        rpn_head=dict(
            type='mmvidext.RFCNRPNHead',
            in_channels=512,
            first_channel=0,
            anchor_generator=dict(
                type='LegacyAnchorGenerator',
                center_offset=0.5,
                scales=[8, 16, 32],
                ratios=[0.5, 1.0, 2.0],
                strides=[16],
            ),
            bbox_coder=dict(
                type='LegacyDeltaXYWHBBoxCoder', target_means=[0.0, 0.0, 0.0, 0.0], target_stds=[0.1, 0.1, 0.4, 0.4]
            ),
            loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
            loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0),
        ),
        roi_head=dict(
            type='mmvidext.RFCNRoIHead',
            bbox_head=dict(
                type='mmvidext.RFCNHead',
                in_channels=512,
                first_channel=512,
                stride=16,
                roi_feat_size=7,
                num_hard=128,
                bbox_coder=dict(
                    type='LegacyDeltaXYWHBBoxCoder', target_means=[0.0, 0.0, 0.0, 0.0], target_stds=[0.1, 0.1, 0.2, 0.2]
                ),
                loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
                loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0),
            ),
        ),
        train_cfg=dict(
            rpn=dict(
                # every object has its best anchors, however small its overlap
                assigner=dict(
                    type='MaxIoUAssigner', pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.01, ignore_iof_thr=-1
                ),
                sampler=dict(type='RandomSampler', num=256, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False),
                allowed_border=0,
                pos_weight=-1,
                debug=False,
            ),
            rpn_proposal=dict(nms_pre=6000, max_per_img=300, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
            rcnn=dict(
                assigner=dict(
                    type='MaxIoUAssigner',
                    pos_iou_thr=0.5,
                    neg_iou_thr=0.5,
                    min_pos_iou=0.5,
                    match_low_quality=False,
                    ignore_iof_thr=-1,
                ),
                # all of them: RFCNHead takes the hardest
                sampler=dict(type='RandomSampler', num=2000, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=True),
                pos_weight=-1,
                debug=False,
            ),
        ),
        test_cfg=dict(
            rpn=dict(nms_pre=6000, max_per_img=300, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
            rcnn=dict(score_thr=1e-4, nms=dict(type='nms', iou_threshold=0.3), max_per_img=300),
        ),
    ),
    scale_map=True,
)
