# LS-DFN's detectors on PASCAL VOC: one GPU with one image, 80,000 iterations and 30,000 more at a tenth.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=110000, val_interval=10000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, milestones=[80000], gamma=0.1)]
auto_scale_lr = dict(enable=False, base_batch_size=1)
