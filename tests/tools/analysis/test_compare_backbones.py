"""Models side by side: what is measured is what was trained."""

import pytest

pytest.importorskip('mmaction')

from tests.configs.paths import CONFIGS
from tools.analysis import compare_backbones


def test_a_run_with_other_options_is_another_one(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(compare_backbones.subprocess, 'run', lambda command, **_: trained.append(command[-2:]))
    for _ in range(2):
        compare_backbones.train(CONFIGS / 'a.py', tmp_path / 'a', ['learning_rate=1'])
    assert trained == [['--cfg-options', 'learning_rate=1']]
    with pytest.raises(SystemExit, match=r'/a holds a run with other --cfg-options \(learning_rate=1\): name a new'):
        compare_backbones.train(CONFIGS / 'a.py', tmp_path / 'a', [])


def test_the_model_of_the_options_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(compare_backbones, 'read_log', lambda work_dir: (50.0, 2.0, 1.0))
    config = CONFIGS / 'demo' / 'tsm_r18_camera_demo.py'
    (whole,), (half,) = (
        compare_backbones.measure([config], options, tmp_path, 1) for options in ([], ['num_segments=4'])
    )
    assert half.multiply_adds == pytest.approx(whole.multiply_adds / 2)
