"""The parts of the benchmark whose results do not depend on the machine."""

import argparse
import importlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.datasets.videos import write_with_av
from tools.benchmarks.decoders import installed_decoders
from tools.benchmarks.launches import count_launches

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp('decoders') / 'a.mp4'
    return write_with_av(path, num_frames=40, codec='libx264', size=(64, 48), options={'g': '12'})


@pytest.mark.parametrize('name', ['OpenCV', 'decord', 'torchcodec'])
def test_decoders_return_the_same_pixels(video, name):
    decoders = installed_decoders()
    if name not in decoders:
        pytest.skip(f'{name} is not installed')
    numbers = [0, 3, 11, 12, 25, 39]
    ours = decoders['PyAV'](str(video), lambda num_frames: numbers)
    others = decoders[name](str(video), lambda num_frames: numbers)
    assert len(others) == len(numbers)
    for frame, other in zip(ours, others, strict=True):
        assert np.abs(frame.astype(int) - other).max() <= 2  # frames differ by 10, rounding by 2


def test_a_decoder_that_fails_costs_its_own_rows_alone(video, monkeypatch, capsys):
    monkeypatch.syspath_prepend(TOOLS)
    decode = importlib.import_module('benchmarks.decode')
    ours = installed_decoders()['PyAV']

    def fail(path, choose):
        raise RuntimeError('no frame 0')

    monkeypatch.setattr(decode, 'installed_decoders', lambda: {'PyAV': ours, 'broken': fail, 'whole': ours})
    args = argparse.Namespace(videos=[str(video)], key_frame_intervals=[], rounds=1)
    assert [row.other for row in decode.run(args)] == ['whole']
    assert 'as they are: PyAV against broken failed: RuntimeError: no frame 0' in capsys.readouterr().out


def test_the_pipeline_of_a_wrapped_data_set(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    build_steps = importlib.import_module('benchmarks.pipeline').build_steps
    config = tmp_path / 'config.py'
    config.write_text(
        "default_scope = 'mmaction'\n"
        "data = dict(type='VideoDataset', pipeline=[dict(type='mmvidext.InitVideo')])\n"
        "train_dataloader = dict(dataset=dict(type='RepeatDataset', times=2, dataset=data))\n"
    )
    assert [type(step).__name__ for step in build_steps(str(config))] == ['InitVideo']
    config.write_text("default_scope = 'mmaction'\n")
    with pytest.raises(SystemExit, match='has no train_dataloader with a pipeline; choose another --config'):
        build_steps(str(config))


def test_launches_and_bytes():
    x = torch.ones(1024, 256)
    assert count_launches(lambda: x.t()) == (0, 0)
    assert count_launches(lambda: x + x) == (1, 3)  # two inputs and the output of 1 MiB each
    assert count_launches(lambda: torch.ones(1, 256).expand(1024, 256).sum()) == (2, pytest.approx(2 / 1024, abs=1e-4))


def test_one_file_with_the_name_of_the_machine(video, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(TOOLS)
    benchmark = importlib.import_module('benchmark')
    arguments = ['all', '--only', 'decode', '--rounds', '1', '--json', str(tmp_path / 'a.json')]
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', *arguments])
    monkeypatch.setattr('benchmarks.clips.write_h264', lambda path, seed: shutil.copy(video, path))
    benchmark.main()
    report = json.loads((tmp_path / 'a.json').read_text())
    assert report['machine']['device']
    assert report['machine']['torch'] == torch.__version__
    rows = report['results']['decode']
    kinds = ['as they are', *(f'key frame every {interval}' for interval in (12, 6, 1))]
    assert list(dict.fromkeys(row['name'] for row in rows)) == [f'videos {kind}' for kind in kinds]
    assert {row['ours'] for row in rows} == {'PyAV'}
    assert '| videos as they are | PyAV |' in capsys.readouterr().out


def test_a_dtype_that_is_none_of_ours(monkeypatch, capsys):
    monkeypatch.syspath_prepend(TOOLS)
    parser = importlib.import_module('benchmark').build_parser()
    assert parser.parse_args(['shift', '--dtype', 'float16']).dtype == torch.float16
    with pytest.raises(SystemExit):
        parser.parse_args(['shift', '--dtype', 'half'])
    assert '--dtype: it must be one of float32, bfloat16, float16, not half' in capsys.readouterr().err


def test_what_fails_is_named_and_the_others_run(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    benchmark = importlib.import_module('benchmark')
    timing = importlib.import_module('benchmarks.timing')

    def fail(args):
        raise RuntimeError(f'not in {args.dtype}')

    def succeed(args):
        return [timing.compare('sum', ('a', lambda: torch.ones(4) + 1), ('b', lambda: None), rounds=args.rounds)]

    monkeypatch.setattr(importlib.import_module('benchmarks.shift'), 'run', fail)
    monkeypatch.setattr(importlib.import_module('benchmarks.dff'), 'run', succeed)
    arguments = ['all', '--only', 'shift', 'dff', '--rounds', '1', '--json', str(tmp_path / 'a.json')]
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', *arguments])
    with pytest.raises(SystemExit, match='1'):
        benchmark.main()
    report = json.loads((tmp_path / 'a.json').read_text())
    assert report.keys() == {'machine', 'dtype', 'rounds', 'results'}
    assert report['results']['shift'] == 'RuntimeError: not in torch.float32'
    [row] = report['results']['dff']
    fields = {'ms', 'peak_mb', 'launches', 'moved_mb'}
    sides = {f'{side}_{field}' for side in ('ours', 'other') for field in fields}
    assert row.keys() == {'name', 'ours', 'other', 'ratio', *sides}
    assert (row['ours_launches'], row['other_launches']) == (2, 0)
