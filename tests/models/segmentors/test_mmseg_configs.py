"""Deep Feature Flow wraps the configs that mmsegmentation ships."""

from pathlib import Path

import pytest
import torch

pytest.importorskip('mmseg')

import mmseg
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope

from mmvidext.models.segmentors import DeepFeatureFlow

MODELS_DIR = Path(mmseg.__file__).parent / '.mim' / 'configs' / '_base_' / 'models'

# name to what makes it tiny: the structure of the config stays
SHRINK = {
    'pspnet_r50-d8': dict(backbone=dict(depth=18, base_channels=8, stem_channels=8), decode_head=64),
    'deeplabv3plus_r50-d8': dict(backbone=dict(depth=18, base_channels=8, stem_channels=8), decode_head=64),
    'upernet_r50': dict(backbone=dict(depth=18, base_channels=8, stem_channels=8), decode_head=[8, 16, 32, 64]),
    'segformer_mit-b0': dict(backbone=dict(num_layers=[1, 1, 1, 1]), decode_head=[32, 64, 160, 256]),
}


@pytest.fixture(autouse=True, scope='module')
def segmentation_scope():
    init_default_scope('mmseg')
    MMLogger.get_current_instance().setLevel('ERROR')


def tiny_config(name):
    model = Config.fromfile(MODELS_DIR / f'{name}.py').model
    shrink = SHRINK[name]
    model.pretrained = None
    model.backbone.update(shrink['backbone'])
    model.decode_head.update(in_channels=shrink['decode_head'], channels=8)
    if 'c1_in_channels' in model.decode_head:
        model.decode_head.update(c1_in_channels=8, c1_channels=4)
    if model.get('auxiliary_head'):
        model.auxiliary_head.update(in_channels=32, channels=8)
    return model


@pytest.mark.parametrize('propagate', ['feature', 'backbone', 'logits'])
@pytest.mark.parametrize('name', sorted(SHRINK))
def test_wraps(name, propagate):
    model = DeepFeatureFlow(tiny_config(name), dict(type='mmvidext.FlowNetS', width=0.0625), propagate=propagate)
    model = revert_sync_batchnorm(model).eval()
    frames = torch.randn(1, 2, 3, 64, 96)
    with torch.no_grad():
        (prediction,) = model(frames, mode='predict')
        (key_prediction,) = model(frames[:, :1], mode='predict')
        (plain,) = model.segmentor(frames[:, 0], mode='predict')
    assert prediction.pred_sem_seg.data.shape == (1, 64, 96)
    assert torch.isfinite(prediction.seg_logits.data).all()
    assert torch.equal(key_prediction.seg_logits.data, plain.seg_logits.data)
