# AdamW for 10 epochs, to compare backbones on a CPU.
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.02), clip_grad=dict(max_norm=20, norm_type=2))
param_scheduler = [
    dict(type='OneCycleLR', eta_max=1e-3, pct_start=0.2, by_epoch=True, total_steps=10, convert_to_iter_based=True)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=10, val_begin=2, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
randomness = dict(seed=0)
