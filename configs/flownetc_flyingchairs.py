_base_ = [
    './_base_/flow_runtime.py',
    './_base_/models/flownetc.py',
    './_base_/datasets/flying_chairs.py',
    './_base_/schedules/flownet_long.py',
]
