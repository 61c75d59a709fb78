import cv2
import numpy as np
import torch
from mmengine.config import Config

from mmvidext.apis import FlowInferencer
from mmvidext.cli.flow import flow
from mmvidext.datasets.flow_io import read_flo
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
    assert '53 x 37 vectors' in invoke(flow, *paths, *outputs, f'--legend={tmp_path}/legend.png')
    expected = FlowInferencer(CONFIG, paths[1])(*frames)
    np.testing.assert_array_equal(read_flo(tmp_path / 'out.flo'), expected)
    assert cv2.imread(str(tmp_path / 'picture.png')).shape == (37, 53, 3)
    assert cv2.imread(str(tmp_path / 'legend.png')).shape == (201, 201, 3)
    output = invoke(flow, *paths, f'--truth={tmp_path}/out.flo', f'--picture={tmp_path}/picture.png')
    assert 'end-point error 0.000 pixels' in output
    picture = cv2.imread(str(tmp_path / 'picture.png'))[..., ::-1]
    np.testing.assert_array_equal(picture[:, :53], frames[0])
    np.testing.assert_array_equal(picture[:, 53:106], picture[:, 106:])
    assert 'none.png does not exist' in invoke(flow, *paths[:3], tmp_path / 'none.png', status=1)
    assert 'the file must end in .flo or .png, but is flow.pfm' in invoke(flow, *paths, '--out=flow.pfm', status=2)
    output = invoke(flow, *paths, f'--picture={tmp_path}/picture.what', status=1)
    assert 'picture.what cannot be written' in output
