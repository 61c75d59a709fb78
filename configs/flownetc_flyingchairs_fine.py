_base_ = [
    './_base_/flow_runtime.py',
    './_base_/flownetc.py',
    './_base_/flying_chairs.py',
    './_base_/flow_schedule_fine.py',
]
