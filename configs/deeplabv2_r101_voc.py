# DeepLabV2 on ResNet-101: four atrous branches, three scales fused by their maximum. For the dense CRF install
# pydensecrf and add --cfg-options model.crf.iterations=10
_base_ = ['./_base_/segmentation_runtime.py', './_base_/voc_deeplabv2.py']
model = dict(
    type='mmvidext.DeepLabV2',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=(321, 321),
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
    decode_head=dict(type='mmvidext.DeepLabV2Head', in_channels=2048, num_classes=21),
    scales=(1.0, 0.75, 0.5),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.0), neck=dict(lr_mult=10.0))),
)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=20000, by_epoch=False)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000, val_interval=2000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
