"""Checkpoints that mmengine writes can be loaded, and a pickle that asks for more cannot."""

import io
import os
import pickle

import pytest
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.runner import CheckpointLoader

import mmvidext

assert mmvidext.__version__  # importing it applies the cure


def save(value):
    file = io.BytesIO()
    torch.save({'value': value}, file)
    file.seek(0)
    return file


def test_the_message_hub_s_buffers_load():
    buffer = HistoryBuffer()
    buffer.update(3.0)
    assert torch.load(save(buffer), weights_only=True)['value'].mean() == 3.0


class Asks:
    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return getattr, (HistoryBuffer, self.name)


@pytest.mark.parametrize('name', ['__init__', '__globals__', 'register_statistics'])
def test_getattr_gives_nothing_else(name):
    with pytest.raises(ValueError, match=f'the checkpoint requests .*HistoryBuffer.*{name}'):
        torch.load(save(Asks(name)), weights_only=True)


class Runs:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_mmengine_s_own_loader_runs_nothing(tmp_path):
    """The fork reads a checkpoint again, as any pickle, if torch refuses it."""
    torch.save({'value': Runs(f'touch {tmp_path}/ran')}, tmp_path / 'bad.pth')
    with pytest.raises(pickle.UnpicklingError, match='system'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'bad.pth'))
    assert not (tmp_path / 'ran').exists()
