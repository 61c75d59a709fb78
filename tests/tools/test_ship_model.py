"""The weights that are shipped are those of the checkpoint, in half precision."""

import sys

import torch

from mmvidext.checkpoints import read_checkpoint
from tools.experiments import ship_model


def test_half_precision_without_what_is_no_weight(tmp_path, monkeypatch):
    weights = {'backbone.a': torch.randn(3, 2), 'backbone.num_batches_tracked': torch.tensor(7)}
    torch.save({'state_dict': {**weights, 'data_preprocessor.mean': torch.ones(3)}}, tmp_path / 'in.pth')
    monkeypatch.setattr(sys, 'argv', ['ship_model.py', str(tmp_path / 'in.pth'), str(tmp_path / 'a/out.safetensors')])
    ship_model.main()
    shipped = read_checkpoint(tmp_path / 'a/out.safetensors').tensors
    assert list(shipped) == ['backbone.a']
    assert torch.equal(shipped['backbone.a'], weights['backbone.a'].half())
