"""Two processes share out a model with FSDP, save it, and go on from what they saved."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import FlexibleRunner

from mmvidext.apis.weights import load_for_inference
from mmvidext.engine import ExactResumeHook, RunError
from mmvidext.registry import MODELS
from tests.fsdp_run import config

ROOT = Path(__file__).resolve().parents[2]


def run(folder, cfg, *arguments):
    """Train with two processes; return what each of them printed, and the log."""
    cfg.dump(folder / 'config.py')
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2']
    result = subprocess.run(
        [*command, '-m', 'tests.fsdp_run', 'config.py', *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('{"rank"')]
    return sorted(lines, key=lambda line: line['rank']), result.stdout


def build():
    init_default_scope('mmaction')
    return MODELS.build(config().model)


def check_parts(lines, model):
    """Each process holds its part of weights and optimizer state."""
    first, second = lines
    num_weights = sum(parameter.numel() for parameter in model.parameters())
    assert first['held'] + second['held'] == num_weights
    assert max(first['held'], second['held']) < 0.55 * num_weights
    assert first['state'] == first['held']  # one momentum a weight
    assert math.isfinite(first['loss'])


def test_a_checkpoint_is_that_of_the_whole_model_and_the_run_goes_on_from_it(tmp_path):
    lines, _ = run(tmp_path, config(), '--work-dir', 'whole')
    run(tmp_path, config(), '--work-dir', 'resumed', '--resume', 'whole/epoch_1.pth')
    model = build()
    check_parts(lines, model)
    load_for_inference(model, tmp_path / 'whole' / 'epoch_2.pth')
    whole, resumed = (torch.load(tmp_path / name / 'epoch_2.pth', weights_only=False) for name in ('whole', 'resumed'))
    assert model.state_dict().keys() == whole['state_dict'].keys()
    assert resumed['meta']['iter'] == whole['meta']['iter'] == 4
    for name, parameter in model.named_parameters():
        momentum = [saved['optimizer']['state'][name]['momentum_buffer'] for saved in (whole, resumed)]
        assert momentum[0].shape == parameter.shape
        assert torch.equal(*momentum)
        assert torch.equal(resumed['state_dict'][name], parameter)
    rates = [[group['lr'] for group in saved['optimizer']['param_groups']] for saved in (whole, resumed)]
    assert rates[0] == rates[1]


def test_a_bad_batch_is_skipped_and_named_in_channels_last_too(tmp_path):
    arguments = ('--channels-last', '--cfg-options', 'train_cfg.max_epochs=1')
    log = run(tmp_path, config(value='nan'), '--work-dir', 'bad', *arguments)[1]
    assert 'not finite in the batch: inputs[' in log
    assert 'first module whose output is not finite: backbone.conv1.conv (Conv2d)' in log
    assert '1 updates were skipped' in log
    assert log.count('starts from weights trained on ImageNet, but this run starts from random ones') == 1


def test_exact_resume_hook_says_that_it_is_not_for_this_runner():
    with pytest.raises(RunError, match='ExactResumeHook is for the Runner of mmengine, not for FlexibleRunner'):
        ExactResumeHook().before_run(FlexibleRunner.__new__(FlexibleRunner))
