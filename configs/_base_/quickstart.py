# The generated clips and the schedule of tools/quickstart.sh: small frames and few epochs, minutes on two cores.
_base_ = './sthv2.py'

data_root = 'data/quickstart/'
num_classes = 4
flip_label_map = {2: 3, 3: 2}  # to the right, to the left
frame_size = (64, 48)

resize = dict(type='Resize', scale=frame_size, keep_ratio=False)
train_pipeline = [
    *_base_.train_pipeline[:3],
    resize,
    dict(type='Flip', flip_ratio=0.5, flip_label_map=flip_label_map),
    *_base_.train_pipeline[7:],
]
val_pipeline = [*_base_.val_pipeline[:3], resize, *_base_.val_pipeline[5:]]

train_dataloader = dict(
    num_workers=1,
    dataset=dict(
        ann_file=data_root + 'sthv2_train_list_videos.txt',
        data_prefix=dict(video=data_root + 'videos'),
        num_classes=num_classes,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        ann_file=data_root + 'sthv2_val_list_videos.txt',
        data_prefix=dict(video=data_root + 'videos'),
        num_classes=num_classes,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.02), clip_grad=dict(max_norm=20, norm_type=2))
param_scheduler = [
    dict(type='OneCycleLR', eta_max=1e-3, pct_start=0.2, by_epoch=True, total_steps=12, convert_to_iter_based=True)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_begin=2, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
randomness = dict(seed=0)
