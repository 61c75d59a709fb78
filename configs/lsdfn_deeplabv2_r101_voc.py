# The paper's segmentation model: 24 dynamic channels, 5x5 samples 3 apart, 3x3 kernels, shared by the three scales
_base_ = './deeplabv2_r101_voc.py'
model = dict(
    neck=dict(
        type='mmvidext.LSDFNNeck',
        in_channels=2048,
        dynamic_channels=24,
        kernel_size=3,
        num_samples=5,
        sample_stride=3,
        post_channels=256,
    ),
    decode_head=dict(in_channels=2304),
)
