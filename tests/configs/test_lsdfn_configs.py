"""The configs with LS-DFN build, and the neck joins an existing config of mmseg."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvidext.layers import DynamicFilter
from mmvidext.registry import MODELS

pytest.importorskip('mmseg')

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NAMES = sorted(str(path.relative_to(CONFIGS)) for path in CONFIGS.rglob('lsdfn_*.py') if '_base_' not in path.parts)


def load(name):
    config = Config.fromfile(CONFIGS / name)
    init_default_scope(config.default_scope)
    return config


@pytest.mark.parametrize('name', NAMES)
def test_builds_with_one_dynamic_filter(name):
    with torch.device('meta'):  # shapes only: no time or memory for the weights
        model = MODELS.build(load(name).model)
    assert sum(isinstance(module, DynamicFilter) for module in model.modules()) == 1


def test_worked_example_is_five_lines():
    text = (CONFIGS / 'lsdfn_fcn_r50_cityscapes.py').read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith('#')]
    assert lines[0].startswith("_base_ = 'mmseg::")
    assert len(lines) <= 5


def test_worked_example_runs():
    config = load('lsdfn_fcn_r50_cityscapes.py')
    config.merge_from_dict(
        {
            'model.pretrained': None,
            'model.backbone.depth': 18,
            'model.backbone.norm_cfg.type': 'BN',
            'model.backbone.base_channels': 8,
            'model.neck.in_channels': 64,
            'model.decode_head.in_channels': 320,
            'model.decode_head.norm_cfg.type': 'BN',
            'model.auxiliary_head.in_channels': 32,
            'model.auxiliary_head.norm_cfg.type': 'BN',
        }
    )
    config.model.backbone.type = 'ResNetV1c'
    model = MODELS.build(config.model).eval()
    with torch.no_grad():
        assert model(torch.randn(1, 3, 32, 64)).shape == (1, 19, 4, 8)


def test_paper_settings():
    neck = load('lsdfn_deeplabv2_r101_voc.py').model.neck
    assert (neck.dynamic_channels, neck.kernel_size, neck.num_samples, neck.sample_stride) == (24, 3, 5, 3)
    for name, num_samples in (('lsdfn_flownets_flyingchairs.py', 7), ('lsdfn_flownetc_flyingchairs.py', 9)):
        config = load(name)
        dynamic_filter = config.model.flow_net.dynamic_filter
        assert (dynamic_filter.num_samples, dynamic_filter.sample_stride) == (num_samples, 2)
        assert (config.train_cfg.max_iters, config.train_dataloader.batch_size) == (300000, 16)
