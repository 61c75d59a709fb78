# The official online demonstration: its weights (mobilenetv2_jester_online.pth.tar, 27 gestures) can be given to
# tools/stream.py as they are. Jester comes as folders of frames; the list has "folder frames label" in each line.
_base_ = './tsm_causal_mobilenet_v2_k400.py'

data_root = 'data/jester/'
model = dict(cls_head=dict(num_classes=27))
train_pipeline = [
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=8),
    dict(type='RawFrameDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(
        type='MultiScaleCrop',
        input_size=224,
        scales=(1, 0.875, 0.75, 0.66),
        random_crop=False,
        max_wh_scale_gap=1,
        num_fixed_crops=13,
    ),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
val_pipeline = [
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=8, test_mode=True),
    dict(type='RawFrameDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
frames = dict(
    _delete_=True,
    type='RawframeDataset',
    data_prefix=dict(img=data_root + 'rawframes'),
    filename_tmpl='{:05}.jpg',
    num_classes=27,
)
train_dataloader = dict(
    dataset=dict(ann_file=data_root + 'jester_train_list_rawframes.txt', pipeline=train_pipeline, **frames)
)
val_dataloader = dict(
    dataset=dict(ann_file=data_root + 'jester_val_list_rawframes.txt', pipeline=val_pipeline, test_mode=True, **frames)
)
test_dataloader = val_dataloader
