# Generated clips of a turning camera, small enough to compare backbones on a CPU:
# python tools/data/make_synthetic.py sthv2 data/camera_turns --camera --train 1600 --val 160 --size 64x48
# python tools/data/prepare_sthv2.py data/camera_turns
_base_ = './quickstart.py'

data_root = 'data/camera_turns/'
resize = dict(type='Resize', scale=(48, 36), keep_ratio=False)
flip = dict(type='Flip', flip_ratio=0.5, flip_label_map={1: 2, 2: 1})  # to the left, to the right
train_pipeline = [*_base_.train_pipeline[:3], resize, flip, *_base_.train_pipeline[5:]]
val_pipeline = [*_base_.val_pipeline[:3], resize, *_base_.val_pipeline[4:]]

train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        ann_file=data_root + 'sthv2_train_list_videos.txt',
        data_prefix=dict(video=data_root + 'videos'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    dataset=dict(
        ann_file=data_root + 'sthv2_val_list_videos.txt',
        data_prefix=dict(video=data_root + 'videos'),
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader

param_scheduler = [
    dict(type='OneCycleLR', eta_max=1e-3, pct_start=0.2, by_epoch=True, total_steps=10, convert_to_iter_based=True)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=10, val_interval=1)
