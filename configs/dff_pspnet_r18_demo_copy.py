# No propagation: the labels of the key frame are copied. Test it with the weights of pspnet_r18_demo.py:
# python tools/test.py configs/dff_pspnet_r18_demo_copy.py work_dirs/pspnet_r18_demo/iter_1500.pth
_base_ = './dff_pspnet_r18_demo.py'

model = dict(flow_net=dict(_delete_=True, type='mmvidext.ZeroFlow'), scale_map=False)
