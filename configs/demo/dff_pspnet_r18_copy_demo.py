# No propagation: the labels of the key frame are copied. Test it with the weights of pspnet_r18_demo.py:
# python tools/test.py configs/demo/dff_pspnet_r18_copy_demo.py work_dirs/pspnet_r18_demo/iter_1500.pth
_base_ = [
    '../_base_/segmentation_runtime.py',
    '../_base_/models/dff_pspnet_r18_demo.py',
    '../_base_/datasets/cityscapes_video_demo.py',
    '../_base_/schedules/dff_demo.py',
]

model = dict(
    segmentor=dict(decode_head=dict(num_classes=_base_.num_classes)),
    flow_net=dict(type='mmvidext.ZeroFlow'),
    scale_map=False,
)
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=1500, max_keep_ckpts=1))
