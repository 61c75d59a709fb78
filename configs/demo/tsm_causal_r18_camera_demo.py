# Runs frame by frame: mmvidext.apis.OnlineRecognizer, tools/stream.py
_base_ = './tsm_r18_camera_demo.py'

model = dict(backbone=dict(causal=True))
