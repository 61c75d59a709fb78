"""The model configs that mmsegmentation ships, shrunk: the structure stays."""

from pathlib import Path

import mmseg
from mmengine.config import Config

MODELS_DIR = Path(mmseg.__file__).parent / '.mim' / 'configs' / '_base_' / 'models'
SIZE = (64, 96)  # of the frames: what BEiT is built for here

_VIT = dict(backbone=dict(img_size=SIZE, num_layers=4, embed_dims=32, num_heads=2, out_indices=(0, 1, 2, 3)))
_SETR_NECK = dict(neck=dict(in_channels=[32] * 4, out_channels=16))
SHRINK = {
    'ann_r50-d8': dict(decode_head=dict(project_channels=8)),
    'deeplabv3plus_r50-d8': dict(decode_head=dict(c1_in_channels=8, c1_channels=4)),
    'emanet_r50-d8': dict(decode_head=dict(ema_channels=16, num_bases=4)),
    'encnet_r50-d8': dict(decode_head=dict(num_codes=4)),
    'danet_r50-d8': dict(decode_head=dict(pam_channels=8)),
    'isanet_r50-d8': dict(decode_head=dict(isa_channels=8)),
    'fastfcn_r50-d32_jpu_psp': dict(
        neck=dict(in_channels=(16, 32, 64), mid_channels=16), decode_head=dict(in_channels=64)
    ),
    'fpn_r50': dict(neck=dict(in_channels=[8, 16, 32, 64], out_channels=16), decode_head=dict(in_channels=[16] * 4)),
    'icnet_r50-d8': dict(
        backbone=dict(
            backbone_cfg=dict(
                type='ResNetV1c',
                in_channels=3,
                depth=18,
                base_channels=8,
                stem_channels=8,
                num_stages=4,
                out_indices=(0, 1, 2, 3),
                dilations=(1, 1, 2, 4),
                strides=(1, 2, 1, 1),
                contract_dilation=True,
            ),
            layer_channels=(16, 64),
        ),
    ),
    **{
        f'{head}_unet_s5-d16': dict(
            backbone=dict(base_channels=8), decode_head=dict(in_channels=8), auxiliary_head=dict(in_channels=16)
        )
        for head in ('fcn', 'pspnet', 'deeplabv3')
    },
    'segformer_mit-b0': dict(backbone=dict(num_layers=[1] * 4)),
    'twins_pcpvt-s_fpn': dict(backbone=dict(depths=[1] * 4)),
    'twins_pcpvt-s_upernet': dict(backbone=dict(depths=[1] * 4)),
    'upernet_swin': dict(backbone=dict(depths=[1] * 4)),
    'dpt_vit-b16': dict(
        backbone=_VIT['backbone'],
        decode_head=dict(in_channels=(32,) * 4, embed_dims=32, post_process_channels=[8, 8, 16, 16]),
    ),
    'segmenter_vit-b16_mask': dict(
        backbone=dict(_VIT['backbone'], out_indices=(3,)),
        decode_head=dict(in_channels=32, embed_dims=32, num_heads=2, channels=32),
    ),
    'setr_mla': dict(**_VIT, **_SETR_NECK, decode_head=dict(in_channels=(16,) * 4, channels=32, mla_channels=8)),
    'setr_naive': dict(**_VIT, decode_head=dict(in_channels=32)),
    'setr_pup': dict(**_VIT, decode_head=dict(in_channels=32)),
    'upernet_vit-b16_ln_mln': dict(
        **_VIT, neck=dict(in_channels=[32] * 4, out_channels=16), decode_head=dict(in_channels=[16] * 4)
    ),
    'upernet_mae': dict(**_VIT, neck=dict(embed_dim=32), decode_head=dict(in_channels=[32] * 4)),
    'upernet_beit': dict(**_VIT, neck=dict(embed_dim=32), decode_head=dict(in_channels=[32] * 4)),
}


def names():
    """Return the names of all configs."""
    return sorted(path.stem for path in MODELS_DIR.glob('*.py'))


def shrunk(name):
    """Return the config of a small model with the structure of a shipped one."""
    model = Config.fromfile(MODELS_DIR / f'{name}.py').model
    model.pretrained = None
    changes = SHRINK.get(name, {})
    is_resnet = model.backbone.type in ('ResNet', 'ResNetV1c') and 'in_channels' not in model.backbone
    if is_resnet:
        model.backbone.update(depth=18, base_channels=8, stem_channels=8)
    for head in _heads(model):
        if is_resnet:
            head.in_channels = _divide(head.in_channels, 32)
        if head.get('num_convs') != 0:  # such a head has the channels of its input
            head.channels = min(head.channels, 16)
    for part, values in changes.items():
        model[part].update(values)
    if model.backbone.type in ('VisionTransformer', 'MAE', 'BEiT'):
        model.auxiliary_head = None
    model.test_cfg = dict(mode='whole')
    return model


def _heads(model):
    for part in ('decode_head', 'auxiliary_head'):
        heads = model.get(part) or []
        yield from heads if isinstance(heads, list) else [heads]


def _divide(channels, by):
    return [value // by for value in channels] if isinstance(channels, list | tuple) else channels // by
