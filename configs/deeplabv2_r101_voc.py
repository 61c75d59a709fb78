# DeepLabV2 on ResNet-101: four atrous branches, three scales fused by their maximum. For the dense CRF install
# pydensecrf and add --cfg-options +model.crf.iterations=10
_base_ = [
    './_base_/segmentation_runtime.py',
    './_base_/datasets/voc_aug.py',
    './_base_/schedules/deeplabv2_voc.py',
]

model = dict(
    type='mmvidext.DeepLabV2',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=_base_.crop_size,
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(
        type='ResNet',
        depth=101,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        contract_dilation=True,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'),
    ),
    decode_head=dict(type='mmvidext.DeepLabV2Head', in_channels=2048, num_classes=_base_.num_classes),
    scales=(1.0, 0.75, 0.5),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
