# Runs frame by frame, on small devices too: mmvidext.apis.OnlineRecognizer, tools/stream.py
_base_ = './tsm_r18_synthetic.py'

model = dict(
    backbone=dict(_delete_=True, type='mmvidext.MobileNetV2TSM', num_segments=8, causal=True),
    cls_head=dict(in_channels=1280),
)
param_scheduler = [{**_base_.param_scheduler[0], 'eta_max': 3e-3}]
