"""One variable of a data set's file, set to another value, reaches everything that depends on it."""

import json
import re
import shutil

import pytest
from mmengine.config import Config

from tests.configs.paths import CONFIGS, DEMO, PAPER, chain, load, name

RECOGNITION = [path for path in [*PAPER, *DEMO] if load(path).default_scope == 'mmaction']


def load_with(path, folder, **values):
    """Read a config from a copy of the files, in which whatever file assigns a variable gives it the new value."""
    shutil.copytree(CONFIGS, folder, ignore=shutil.ignore_patterns('*.md', '__pycache__'))
    copy = folder / path.relative_to(CONFIGS)
    for file in chain(copy):
        text = file.read_text()
        for variable, value in values.items():
            text = re.sub(rf'^{variable} = .*$', f'{variable} = {value!r}', text, flags=re.MULTILINE)
        file.write_text(text)
    return Config.fromfile(copy)


def transforms(config, split, *types):
    pipeline = config[f'{split}_dataloader'].dataset.pipeline
    found = [step for step in pipeline if step.type in types]
    assert found
    return found


@pytest.mark.parametrize('path', RECOGNITION, ids=name)
def test_recognition(path, tmp_path):
    variable = 'num_segments' if 'num_segments' in load(path) else 'clip_len'
    values = {variable: 24, 'num_classes': 7, 'batch_size': 3, 'num_workers': 0, 'data_root': 'else/where'}
    config = load_with(path, tmp_path / 'configs', **values)
    key = 'num_clips' if variable == 'num_segments' else 'clip_len'
    for split in ('train', 'val', 'test'):
        loader = config[f'{split}_dataloader']
        assert loader.dataset.num_classes == 7
        assert loader.dataset.ann_file.startswith('else/where/')
        assert all(folder.startswith('else/where/') for folder in loader.dataset.data_prefix.values())
        assert (loader.num_workers, loader.persistent_workers) == (0, False)
        for step in transforms(config, split, 'SampleFrames', 'DenseSampleFrames', 'UniformSample'):
            dense = variable == 'num_segments' and step.get('num_clips') == 1  # one clip of consecutive frames
            assert step['clip_len' if dense else key] == 24
    assert config.train_dataloader.batch_size == 3
    assert config.model.cls_head.num_classes == 7
    for part in (config.model.backbone, config.model.cls_head):
        assert part.get('num_segments', 24) == 24
        assert part.get('clip_len', 24) == 24


@pytest.mark.parametrize(
    'stem', ['ms_tsm_r50_sthv2', 'tsm_r50_k400', 'r2plus1d_r34_32f_ucf101', 'ms_tsm_r18_small_data']
)
def test_sizes_of_pictures(stem, tmp_path):
    before = load(f'{stem}.py')
    config = load_with(CONFIGS / f'{stem}.py', tmp_path / 'configs', short_side=640, crop_size=555)
    for split in ('train', 'val', 'test'):
        text = json.dumps(config[f'{split}_dataloader'].dataset.pipeline)
        assert '640' in text
        assert '555' in text
        for old in (before.short_side, before.crop_size):
            assert not re.search(rf'\b{old}\b', text), f'{old} is written out in the {split} pipeline'


@pytest.mark.parametrize('stem', ['dff_pspnet_r101_cityscapes', 'pspnet_r50_cityscapes', 'dff_pspnet_r50_vspw'])
def test_segmentation(stem, tmp_path):
    values = dict(crop_size=(64, 128), num_classes=5, batch_size=7, data_root='else/where')
    config = load_with(CONFIGS / f'{stem}.py', tmp_path / 'configs', **values)
    model = config.model.get('segmentor', config.model)
    assert config.model.data_preprocessor['size'] == (64, 128)
    assert model.decode_head.num_classes == model.auxiliary_head.num_classes == 5
    assert config.train_dataloader.batch_size == 7
    assert config.test_dataloader.dataset.data_root == 'else/where'
    assert "'crop_size': (64, 128)" in str(config.train_dataloader.dataset.pipeline)


def test_a_batch_size_that_a_config_changes_is_still_one_variable(tmp_path):
    path = CONFIGS / 'lsdfn_flownets_flyingchairs.py'
    assert load(path).train_dataloader.batch_size == 16
    assert load_with(path, tmp_path / 'configs', batch_size=2).train_dataloader.batch_size == 2
