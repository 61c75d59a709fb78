# Deep Feature Flow whose feature network has LS-DFN behind the backbone
_base_ = './dff_pspnet_r50_cityscapes.py'
model = dict(
    segmentor=dict(
        neck=dict(type='mmvidext.LSDFNNeck', in_channels=2048),
        decode_head=dict(in_channels=2304),
    )
)
