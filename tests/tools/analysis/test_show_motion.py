"""The motion of a video that a model looks at, with a checkpoint from anywhere."""

import sys

import pytest

from tests.configs.paths import CONFIGS
from tools.analysis import show_motion


def test_a_checkpoint_may_be_an_address(tmp_path, monkeypatch, capsys):
    (tmp_path / 'a.mp4').touch()
    config, address = CONFIGS / 'ms_tsm_r18_small_data.py', 'https://127.0.0.1:9/a.pth'
    words = [config, address, tmp_path / 'a.mp4', tmp_path / 'a.png']
    monkeypatch.setattr(sys, 'argv', ['show_motion.py', *map(str, words)])
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(SystemExit, match='2'):
        show_motion.main()
    assert f'{address} cannot be downloaded' in capsys.readouterr().err
