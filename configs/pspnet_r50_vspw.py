# The frame-by-frame baseline of dff_pspnet_r50_vspw.py, in a stream in which every frame is a key frame.
_base_ = './dff_pspnet_r50_vspw.py'

model = dict(key_frame_interval=1, flow_net=dict(_delete_=True, type='mmvidext.ZeroFlow'), scale_map=False)
train_dataloader = dict(batch_size=2)
test_dataloader = dict(dataset=dict(key_frame_interval=1))
val_dataloader = test_dataloader
test_evaluator = [
    dict(type='mmvidext.VideoIoUMetric', distances=[0]),
    dict(type='mmvidext.VideoConsistency', window_sizes=[8, 16]),
]
val_evaluator = test_evaluator
