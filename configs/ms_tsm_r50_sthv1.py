_base_ = [
    './_base_/tsm_r50.py',
    './_base_/sthv1.py',
    './_base_/ms_tsm_sth_schedule.py',
    './_base_/recognition_runtime.py',
]

model = dict(backbone=dict(type='mmvidext.MSResNet'))
