import pytest

from mmvidext.cli.data.make_synthetic import make_synthetic
from tests.cli.invoke import invoke


@pytest.mark.parametrize(
    ('arguments', 'count', 'pattern'),
    [
        (['sthv2', '--frames', 3], 3, 'videos/*.webm'),
        (['cityscapes', '--frames', 3, '--thin-objects', 1], 9, 'leftImg8bit_sequence/*/*/*.png'),
        (['cityscapes', '--frames', 3, '--all-labels'], 9, 'gtFine/*/*/*.png'),
        (['video-folders', '--frames', 3], 9, 'labels/*/video_*/*.png'),
        (['flying-chairs', '--max-displacement', 20], 3, 'data/*.flo'),
    ],
)
def test_each_format(tmp_path, arguments, count, pattern):
    name, *options = arguments
    sizes = ('--train', 2, '--val', 1, '--size', '32x24', '--workers', 0)
    output = invoke(make_synthetic, name, tmp_path, *sizes, *options)
    assert len(list(tmp_path.glob(pattern))) == count
    assert f'{tmp_path}: 2 training and 1 validation' in output


@pytest.mark.parametrize(
    ('options', 'status', 'message'),
    [
        (['--size', '32'], 2, "expected WIDTHxHEIGHT in pixels, for example 128x96, but got '32'"),
        (['--size', '33x24'], 1, 'even sides'),
        (['--workers', '-1', '--size', '32x24'], 1, 'workers must be 0'),
    ],
)
def test_wrong_options(tmp_path, options, status, message):
    output = invoke(make_synthetic, 'sthv2', tmp_path, *options, status=status)
    assert message in ' '.join(output.split())
