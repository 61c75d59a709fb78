_base_ = [
    './_base_/video_resnet.py',
    './_base_/k400_clips.py',
    './_base_/vmz_k400_schedule.py',
    './_base_/recognition_runtime.py',
]
