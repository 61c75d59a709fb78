"""The pictures and the experiment of LS-DFN."""

import json

import numpy as np
import pytest
import torch

from mmvidext.layers import DynamicFilter
from tools.analysis.draw_lsdfn import draw_attention, draw_receptive_fields, measure_receptive_field

SMALL = dict(dynamic_channels=2, feature_channels=4, kernel_channels=4, kernel_std=1.0)


@pytest.mark.parametrize(('num_samples', 'sample_stride', 'reach'), [(1, 1, 2), (3, 2, 4), (3, 3, 5)])
def test_receptive_field_is_the_field_of_the_samples(num_samples, sample_stride, reach):
    """Half the sampling field, one pixel for the dynamic kernel and one for the feature branch."""
    layer = DynamicFilter(3, 4, num_samples=num_samples, sample_stride=sample_stride, **SMALL)
    field = measure_receptive_field(layer, channels=3, size=21, inputs=4)
    rows, columns = np.nonzero(field)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10 - reach, 10 + reach, 10 - reach, 10 + reach)
    assert field.max() == 1


def test_three_fields_side_by_side():
    picture = draw_receptive_fields(channels=4, size=15, inputs=1, num_samples=3, sample_stride=2)
    assert picture.dtype == np.uint8
    assert picture.shape[1] == 3 * (15 * (256 // 15) + 8)


def test_attention_marks_what_weighs_more():
    layer = DynamicFilter(3, 4, num_samples=3, sample_stride=2, **SMALL)
    weights = torch.ones(9, 8, 8)
    weights[0] = 3
    picture = draw_attention(np.zeros((64, 64, 3), np.uint8), weights, layer, grid=1)
    red = (picture == (60, 60, 255)).all(-1).nonzero()
    blue = (picture == (255, 120, 40)).all(-1).nonzero()
    assert red[0].max() < blue[0].max()
    assert red[1].max() < blue[1].max()


def test_experiment_prints_mean_and_spread_and_keeps_results(tmp_path, capsys, monkeypatch):
    lsdfn = pytest.importorskip('tools.experiments.lsdfn')
    task = lsdfn.SEGMENTATION
    for name in task.data:
        for number, model in enumerate(task.models):
            for seed in (0, 1):
                folder = tmp_path / task.name / name.replace(' ', '_') / model.name.replace(' ', '') / f'seed{seed}'
                folder.mkdir(parents=True)
                (folder / 'metrics.json').write_text(json.dumps({'mIoU': 10.0 * number + seed}))
    monkeypatch.setattr(lsdfn, 'make_data', lambda arguments, folder: None)
    lsdfn.run_task(task, [0, 1], tmp_path)
    assert '| FCN + LS-DFN | 10.50 +- 0.71 (10.00, 11.00) |' in capsys.readouterr().out


def test_experiment_changes_no_more_than_the_schedule(tmp_path):
    lsdfn = pytest.importorskip('tools.experiments.lsdfn')
    config = lsdfn.make_config(lsdfn.SEGMENTATION, lsdfn.SEGMENTATION.models[1], tmp_path, 3, tmp_path)
    assert config.train_cfg.max_iters == config.param_scheduler[-1].end == lsdfn.SEGMENTATION.steps
    assert config.param_scheduler[0].end == 50
    assert config.randomness.seed == 3
    assert config.train_dataloader.dataset.data_root == str(tmp_path)


def test_videos_of_another_size_are_evaluated_at_theirs(tmp_path):
    pytest.importorskip('mmdet')
    lsdfn = pytest.importorskip('tools.experiments.lsdfn')
    config = lsdfn.make_config(lsdfn.DETECTION, lsdfn.DETECTION.models[0], tmp_path, 0, tmp_path)
    scales = [step.scale for step in config.val_dataloader.dataset.pipeline if step.type == 'Resize']
    assert scales == [lsdfn.DETECTION.frame_size]
