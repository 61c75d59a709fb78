import re
import sys

import pytest

pytest.importorskip('mmseg')

from mmengine.registry import init_default_scope

from mmvidext.models.segmentors import DeepFeatureFlow
from tests.configs.paths import CONFIGS
from tests.models.segmentors.tiny import fcn
from tools.analysis import key_frame_policies, propagation_table, video_flops


def test_policies_are_compared_at_equal_cost():
    fixed = [
        key_frame_policies.Outcome('interval 2', 0.5, 0.5, 80.0),
        key_frame_policies.Outcome('interval 5', 0.2, 0.2, 60.0),
    ]
    adaptive = [
        key_frame_policies.Outcome('adaptive, 0.3', 0.3, 0.35, 75.0),
        key_frame_policies.Outcome('adaptive, 0.9', 0.1, 0.1, 50.0),
    ]
    rows = key_frame_policies.format_table(fixed, adaptive).splitlines()
    assert rows[4] == '| adaptive, 0.3 | 30.0% | 0.350 | 75.00 | 70.00 |'
    assert rows[5].endswith('| 50.00 |  |')  # cheaper than any fixed interval that was tried


def test_the_table_of_distances_has_mean_and_spread_over_the_seeds():
    table = propagation_table.format_table({'frame by frame': [[70.0] * 4, [72.0] * 4, [74.0, 71.0, 68.0, 65.0]]})
    lines = table.splitlines()
    assert lines[0] == '| mIoU at | distance 0 | distance 1 | distance 5 | distance 9 |'
    assert lines[2] == '| frame by frame | 72.00 ± 2.00 | 71.00 ± 1.00 | 70.00 ± 2.00 | 69.00 ± 3.61 |'


def test_one_seed_has_no_spread():
    table = propagation_table.format_table({'copied': [[70.0, 60.5, 50.0, 40.0]]})
    assert table.splitlines()[2] == '| copied | 70.00 | 60.50 | 50.00 | 40.00 |'


def test_the_page_names_folders_as_the_tool_does():
    text = (CONFIGS.parent / 'docs' / 'video_segmentation.md').read_text()
    paths = re.findall(r'work_dirs/propagation/(\w+)/(\w+)/(\w+)/iter_\d+\.pth', text)
    task = propagation_table.TASKS['segmentation']
    assert set(paths) == {('segmentation', 'seed_0', next(iter(task.ways.values())))}
    assert text.count('work_dirs/propagation/') == len(paths)


TASKS = list(propagation_table.TASKS.values())
WAYS = [(task, name) for task in TASKS for name in (task.copy, *task.ways.values())]


@pytest.mark.parametrize(('task', 'name'), WAYS, ids=[name for _, name in WAYS])
def test_every_way_starts_from_the_networks_of_its_seed(task, name, tmp_path):
    comparison = propagation_table.Comparison(task, tmp_path, seed=2, iterations=600)
    config = comparison.load(name)
    assert config.work_dir == str(tmp_path / 'seed_2' / name)
    assert config.model[task.inner].init_cfg.checkpoint == str(comparison.checkpoint(task.frames))
    if 'init_cfg' in config.model.flow_net:
        assert config.model.flow_net.init_cfg.checkpoint == str(comparison.checkpoint(task.flow))


@pytest.mark.parametrize('task', TASKS, ids=lambda task: task.inner)
def test_every_way_is_trained_alike(task, tmp_path):
    comparison = propagation_table.Comparison(task, tmp_path, seed=0, iterations=600)
    configs = [comparison.load(name) for name in (task.copy, *task.ways.values())]
    for config in configs:  # a flow network has a rate of its own where there is one
        config.optim_wrapper.get('paramwise_cfg', {}).get('custom_keys', {}).pop('flow_net', None)
    keys = ('train_cfg', 'optim_wrapper', 'param_scheduler', 'randomness')
    assert all(config[key] == configs[0][key] for config in configs for key in keys)
    assert configs[0].train_cfg.max_iters == configs[0].param_scheduler[-1].end == 600


@pytest.mark.parametrize('task', TASKS, ids=lambda task: task.inner)
def test_the_flow_network_learns_on_the_pairs_that_are_generated(task, tmp_path):
    config = propagation_table.Comparison(task, tmp_path, seed=0, iterations=600).load(task.flow)
    assert config.train_dataloader.dataset.data_root in task.data
    assert config.train_cfg.max_iters == task.flow_iterations


@pytest.mark.parametrize('task', TASKS, ids=lambda task: task.inner)
def test_the_frames_and_the_ways_have_lengths_of_their_own(task, tmp_path):
    comparison = propagation_table.Comparison(task, tmp_path, seed=0)
    assert comparison.load(task.frames).train_cfg.max_iters == task.iterations
    assert comparison.load(task.copy).train_cfg.max_iters == task.way_iterations
    assert comparison.checkpoint(task.copy).name == f'iter_{task.way_iterations}.pth'
    assert comparison.load(task.copy).model[task.inner].init_cfg.checkpoint.endswith(f'iter_{task.iterations}.pth')


@pytest.mark.parametrize('task', TASKS, ids=lambda task: task.inner)
def test_only_the_evaluation_reads_other_videos(task, tmp_path):
    comparison = propagation_table.Comparison(task, tmp_path, seed=0, test_data=tmp_path / 'unseen')
    for name in (task.frames, task.copy, *task.ways.values()):
        config = comparison.load(name)
        assert config.test_dataloader.dataset.data_root == str(tmp_path / 'unseen')
        assert config.train_dataloader.dataset.data_root in task.data


def test_data_that_an_interrupted_call_has_left_is_completed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folders = list(propagation_table.SEGMENTATION.data)
    (tmp_path / folders[1]).mkdir(parents=True)
    made = []
    monkeypatch.setattr(propagation_table.subprocess, 'run', lambda command, **_: made.append(command[3]))
    monkeypatch.setattr(propagation_table.Comparison, 'train', lambda *_: None)
    monkeypatch.setattr(propagation_table, 'collect', lambda _: {'a': [[1.0] * 4], 'b': [[2.0] * 4]})
    monkeypatch.setattr(sys, 'argv', ['propagation_table.py', '--seeds', '0'])
    propagation_table.main()
    assert made == folders
    assert (tmp_path / 'work_dirs' / 'propagation' / 'segmentation' / 'table.md').read_text() in capsys.readouterr().out


def test_pairs_are_as_large_as_what_the_detectors_flow_network_sees(tmp_path):
    task = propagation_table.DETECTION
    comparison = propagation_table.Comparison(task, tmp_path, seed=0)
    width, height = comparison.load('dff_fcos_r18_vid_demo').frame_size
    assert f'--size {width}x{height} ' in task.data['data/synthetic_vid']
    assert f'--size {width // 2}x{height // 2} ' in task.data['data/synthetic_small_pairs']


def test_detectors_keep_the_features_that_they_start_from(tmp_path):
    task = propagation_table.DETECTION
    comparison = propagation_table.Comparison(task, tmp_path, seed=0)
    assert all('feature' in comparison.load(name).model['freeze'] for name in (task.copy, *task.ways.values()))


def test_operations_of_a_stream():
    init_default_scope('mmseg')
    flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
    key, propagated = video_flops.count(DeepFeatureFlow(fcn(), flow_net).eval(), 32, 64)
    large_key, large_propagated = video_flops.count(DeepFeatureFlow(fcn(), flow_net).eval(), 64, 128)
    assert 0 < propagated < key
    assert large_key == pytest.approx(4 * key, rel=0.01)
    assert large_propagated > propagated
