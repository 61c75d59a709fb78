"""The pipelines that a config names are those that its data sets run: mmaction2's and mmseg's APIs read the names."""

import pytest
from mmengine.registry import VISUALIZERS, init_default_scope

from tests.configs.paths import DEMO, PAPER, load, name


def plain(node):
    """Without the scopes that mmengine writes into what comes from another package."""
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items() if key != '_scope_'}
    return [plain(value) for value in node] if isinstance(node, list) else node


@pytest.mark.parametrize('path', [*PAPER, *DEMO], ids=name)
def test_names_are_what_is_used(path):
    config = load(path)
    for split in ('train', 'val', 'test'):
        dataset = config[f'{split}_dataloader'].dataset
        used = [part.pipeline for part in dataset.get('datasets', [dataset])]
        # mmsegmentation's own data sets have one name for both
        key = 'test_pipeline' if path.stem == 'lsdfn_fcn_r50_cityscapes' and split == 'val' else f'{split}_pipeline'
        assert all(plain(pipeline) == plain(config[key]) for pipeline in used), split


@pytest.mark.parametrize('path', [*PAPER, *DEMO], ids=name)
def test_frames_and_classes_of_model_and_data_set_agree(path):
    config = load(path)
    model = config.model.get('segmentor', config.model)
    heads = [head for key, head in model.items() if key in ('cls_head', 'decode_head', 'auxiliary_head')]
    for head in heads:
        assert head.num_classes == config.get('num_classes', 19)
    if 'num_segments' in config:
        parts = [part for part in (model.backbone, model.cls_head) if 'num_segments' in part]
        assert all(part.num_segments == config.num_segments for part in parts)
        assert parts or model.backbone.type == 'mmaction.ResNet'


@pytest.mark.parametrize('path', [*PAPER, *DEMO], ids=name)
def test_inferencers_find_a_visualizer(path, tmp_path):
    config = load(path)
    init_default_scope(config.default_scope)
    visualizer = VISUALIZERS.build({**config.visualizer, 'save_dir': str(tmp_path), 'name': path.stem})
    names = dict(mmaction='ActionVisualizer', mmseg='SegLocalVisualizer', mmdet='DetLocalVisualizer')
    wanted = names.get(config.default_scope, 'Visualizer')
    assert type(visualizer).__name__ == wanted
    assert 'LocalVisBackend' in visualizer._vis_backends


@pytest.mark.parametrize('path', [*PAPER, *DEMO], ids=name)
def test_validation_chooses_frames_as_training(path):
    """What is validated, predicted and streamed are the distances between frames that a network was trained on."""
    config = load(path)
    if config.default_scope == 'mmaction':
        steps = [[step for step in config[f'{split}_pipeline'] if 'Sample' in step.type] for split in ('train', 'val')]
        train, val = ([(step.type, step.clip_len, step.get('frame_interval')) for step in part] for part in steps)
        assert train == val != []
