import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvidext.apis import FlowInferencer
from mmvidext.apis.frame_sources import open_source
from mmvidext.cli.flow import flow
from mmvidext.datasets.flow_io import read_flo, read_flow, write_flo
from mmvidext.models.flow import FlowEstimator
from tests.cli.invoke import invoke

NET = dict(type='mmvidext.FlowNetS', width=0.125)
CONFIG = Config(dict(default_scope='mmvidext', model=dict(type='mmvidext.FlowEstimator', flow_net=NET)))


def test_flow_picture_and_error(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (2, 37, 53, 3), np.uint8)
    torch.save({'state_dict': FlowEstimator(NET).state_dict(), 'meta': {}}, tmp_path / 'flownets.pth')
    CONFIG.dump(tmp_path / 'config.py')
    for name, frame in zip(('first', 'second'), frames, strict=True):
        cv2.imwrite(str(tmp_path / f'{name}.png'), frame[..., ::-1])
    paths = [tmp_path / name for name in ('config.py', 'flownets.pth', 'first.png', 'second.png')]
    outputs = [f'--{name}={tmp_path}/{name}{suffix}' for name, suffix in (('out', '.flo'), ('picture', '.png'))]
    outputs.append('--device=cpu')  # as the inferencer below
    assert '53 x 37 vectors' in invoke(flow, *paths, *outputs, f'--legend={tmp_path}/legend.png')
    expected = FlowInferencer(CONFIG, paths[1])(*frames)
    np.testing.assert_array_equal(read_flo(tmp_path / 'out.flo'), expected)
    assert cv2.imread(str(tmp_path / 'picture.png')).shape == (37, 53, 3)
    assert cv2.imread(str(tmp_path / 'legend.png')).shape == (201, 201, 3)
    truth = f'--truth={tmp_path}/out.flo'
    output = invoke(flow, *paths, truth, f'--picture={tmp_path}/picture.png', '--device=cpu')
    assert 'end-point error 0.000 pixels' in output
    picture = cv2.imread(str(tmp_path / 'picture.png'))[..., ::-1]
    np.testing.assert_array_equal(picture[:, :53], frames[0])
    np.testing.assert_array_equal(picture[:, 53:106], picture[:, 106:])
    write_flo(tmp_path / 'unknown.flo', np.full((37, 53, 2), np.nan, np.float32))
    output = invoke(flow, *paths, f'--truth={tmp_path}/unknown.flo', status=1)
    assert 'unknown.flo holds no known vector: there is nothing to compare with' in output
    assert 'none.png does not exist' in invoke(flow, *paths[:3], tmp_path / 'none.png', status=1)
    assert '--out must end in .flo, .png, .npz for a pair of images, but is flow.pfm' in invoke(
        flow, *paths, '--out=flow.pfm', status=2
    )
    output = invoke(flow, *paths, f'--picture={tmp_path}/new', status=2)
    assert '--picture must be a file such as flow.png for a pair of images, but is' in output
    assert not (tmp_path / 'new').exists()  # nor is it made a folder
    output = invoke(flow, *paths, f'--picture={tmp_path}/picture.what', status=1)
    assert 'picture.what cannot be written' in output


@pytest.mark.parametrize('suffix', ['flo', 'npz', 'png'])
def test_flow_through_a_folder(tmp_path, suffix):
    """From each frame to the next in natural order; where the size changes, there is none."""
    CONFIG.dump(tmp_path / 'config.py')
    torch.save({'state_dict': FlowEstimator(NET).state_dict(), 'meta': {}}, tmp_path / 'flownets.pth')
    pictures = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    for number, picture in zip((1, 2, 10, 11), pictures, strict=True):
        (tmp_path / 'in').mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / 'in' / f'{number}.png'), picture[: 48 if number == 11 else 64, :, ::-1])
    common = [tmp_path / 'config.py', tmp_path / 'flownets.pth', tmp_path / 'in']
    written_to = ['--out', tmp_path / 'out', '--format', suffix, '--picture', tmp_path / 'out.mp4']
    printed = invoke(flow, *common, *written_to, '--device=cpu')  # as the inferencer below
    assert 'frame 2: 64 x 64 vectors' in printed
    assert '2 flow fields' in printed
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [f'00000{i}.{suffix}' for i in (1, 2)]
    path = tmp_path / 'out' / f'000002.{suffix}'
    written = np.load(path)['flow'] if suffix == 'npz' else read_flow(path)[0]
    expected = FlowInferencer(CONFIG, common[1])(pictures[1], pictures[2])
    np.testing.assert_allclose(written, expected, atol=1 / 128 if suffix == 'png' else 0)
    assert len(list(open_source(tmp_path / 'out.mp4').frames)) == 2
    assert 'is not empty: name a new one' in invoke(flow, *common, '--out', tmp_path / 'out', status=1)
    assert 'must be a folder (no suffix)' in invoke(flow, *common, '--out', tmp_path / 'a.flo', status=2)


def test_what_gives_no_flow_is_an_error(tmp_path):
    """A single picture, where the second one was forgotten, and pictures that all differ in size."""
    CONFIG.dump(tmp_path / 'config.py')
    torch.save({'state_dict': FlowEstimator(NET).state_dict(), 'meta': {}}, tmp_path / 'flownets.pth')
    (tmp_path / 'in').mkdir()
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / 'in' / f'{number}.png'), np.zeros((64 * number, 64, 3), np.uint8))
    common = [tmp_path / 'config.py', tmp_path / 'flownets.pth']
    printed = invoke(flow, *common, tmp_path / 'in' / '1.png', '--out', tmp_path / 'out', status=1)
    assert '1.png has one frame, and flow is from one to the next: for a pair, name the second image' in printed
    assert not (tmp_path / 'out').exists()
    printed = invoke(flow, *common, tmp_path / 'in', '--out', tmp_path / 'out', status=1)
    assert 'in has no two frames of one size in a row, so nothing was written' in printed


def test_an_input_is_not_overwritten(tmp_path):
    CONFIG.dump(tmp_path / 'config.py')
    for name in ('1.png', '2.png'):
        cv2.imwrite(str(tmp_path / name), np.zeros((64, 64, 3), np.uint8))
    before = (tmp_path / '2.png').read_bytes()
    (tmp_path / 'hard.png').hardlink_to(tmp_path / '2.png')
    paths = [tmp_path / 'config.py', 'none.pth', tmp_path / '1.png', tmp_path / '2.png']
    for option in ('--out', '--picture', '--legend'):
        assert 'would overwrite' in invoke(flow, *paths, option, tmp_path / 'hard.png', status=1)
    assert (tmp_path / '2.png').read_bytes() == before
