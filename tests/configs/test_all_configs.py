"""Every config loads, builds its model, and names only transforms and metrics that exist."""

import pickle

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import METRICS, MODELS, TRANSFORMS, init_default_scope

from mmvidext.datasets.flip_labels import check_flip
from tests.configs.paths import DEMO, PAPER, name


def pipelines(node):
    """Yield every list under a key ``pipeline``."""
    if isinstance(node, dict):
        if isinstance(node.get('pipeline'), list):
            yield node['pipeline']
        for value in node.values():
            yield from pipelines(value)
    elif isinstance(node, list):
        for value in node:
            yield from pipelines(value)


def find(registry, name):
    """Look a name up as a build would, beginning in the default scope."""
    with registry.switch_scope_and_registry(None) as scoped:
        return scoped.get(name)


@pytest.mark.parametrize('path', [*PAPER, *DEMO], ids=name)
def test_config(path):
    cfg = Config.fromfile(path)
    assert 'mmvidext' in cfg.custom_imports.imports
    init_default_scope(cfg.default_scope)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert sum(value.numel() for value in model.parameters()) > 0
    again = pickle.loads(pickle.dumps(model))  # what torch.save and a process that is spawned do
    assert [type(module) for module in again.modules()] == [type(module) for module in model.modules()]
    for split in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for pipeline in pipelines(cfg.get(split)):
            for transform in pipeline:
                assert find(TRANSFORMS, transform['type']) is not None, transform['type']
    if cfg.default_scope == 'mmaction':
        check_flip(cfg.train_dataloader.dataset.pipeline)  # what the data set refuses on start
    evaluator = cfg.get('test_evaluator') or []
    for metric in evaluator if isinstance(evaluator, list) else [evaluator]:
        assert find(METRICS, metric['type']) is not None, metric['type']
