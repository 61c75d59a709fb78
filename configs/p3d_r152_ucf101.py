# Fine-tuned: set model.backbone.pretrained. 7,500 steps of 128 clips are 100 passes over split 1.
_base_ = './p3d_r152_k400.py'

data_root = 'data/ucf101/'
train_set = dict(
    ann_file=data_root + 'ucf101_train_split_1_videos.txt',
    data_prefix=dict(video=data_root + 'videos'),
    num_classes=101,
)
val_set = dict(
    ann_file=data_root + 'ucf101_val_split_1_videos.txt', data_prefix=dict(video=data_root + 'videos'), num_classes=101
)
model = dict(cls_head=dict(num_classes=101))
train_dataloader = dict(dataset=train_set)
val_dataloader = dict(dataset=val_set)
test_dataloader = dict(dataset=val_set)
optim_wrapper = dict(optimizer=dict(lr=0.001))
param_scheduler = [dict(type='MultiStepLR', begin=0, end=100, by_epoch=True, milestones=[40, 80], gamma=0.1)]
train_cfg = dict(max_epochs=100)
