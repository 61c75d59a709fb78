# Worked example: the neck in a config of mmseg. `in_channels` of the head is what the backbone gives plus 256.
_base_ = 'mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py'
custom_imports = dict(imports=['mmvidext'], allow_failed_imports=False)
neck = dict(type='mmvidext.LSDFNNeck', in_channels=2048)
model = dict(neck=neck, decode_head=dict(in_channels=2304))
auto_scale_lr = dict(enable=False, base_batch_size=8)
