_base_ = [
    './_base_/tsm_r50.py',
    './_base_/sthv2.py',
    './_base_/tsm_sth_schedule.py',
    './_base_/recognition_runtime.py',
]
