# TSM-ResNet-50 with LS-DFN behind its last stage. mmaction2 calls a neck only on a list: two stages go out, the last is
# used.
_base_ = './tsm_r50_sthv2.py'

model = dict(
    backbone=dict(out_indices=(2, 3)),
    neck=dict(type='mmvidext.LSDFNNeck', in_channels=2048, num_samples=3, sample_stride=2),
    cls_head=dict(in_channels=2304),
)
