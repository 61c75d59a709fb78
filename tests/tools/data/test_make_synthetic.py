import importlib

import pytest

make_synthetic = importlib.import_module('tools.data.make_synthetic')


def run(monkeypatch, *arguments):
    monkeypatch.setattr('sys.argv', ['make_synthetic.py', *map(str, arguments)])
    make_synthetic.main()


@pytest.mark.parametrize(
    ('arguments', 'count', 'pattern'),
    [
        (['sthv2', '--frames', 3], 3, 'videos/*.webm'),
        (['cityscapes', '--frames', 3, '--thin-objects', 1], 9, 'leftImg8bit_sequence/*/*/*.png'),
        (['cityscapes', '--frames', 3, '--all-labels'], 9, 'gtFine/*/*/*.png'),
        (['flying-chairs', '--max-displacement', 20], 3, 'data/*.flo'),
    ],
)
def test_each_format(tmp_path, monkeypatch, capsys, arguments, count, pattern):
    name, *options = arguments
    run(monkeypatch, name, tmp_path, '--train', 2, '--val', 1, '--size', '32x24', '--workers', 0, *options)
    assert len(list(tmp_path.glob(pattern))) == count
    assert f'{tmp_path}: 2 training and 1 validation' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--size', '32'], "expected WIDTHxHEIGHT in pixels, for example 128x96, but got '32'"),
        (['--size', '33x24'], 'even sides'),
        (['--workers', '-1', '--size', '32x24'], 'workers must be 0'),
    ],
)
def test_wrong_options(tmp_path, monkeypatch, capsys, options, message):
    with pytest.raises(SystemExit) as error:
        run(monkeypatch, 'sthv2', tmp_path, *options)
    assert error.value.code == 2
    assert message in capsys.readouterr().err
