import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvidext.apis.flow_inferencer import FlowInferencer
from mmvidext.apis.flow_video import estimate_video_flow
from mmvidext.apis.frame_sources import Source
from mmvidext.models.flow import FlowEstimator

NET = dict(type='mmvidext.FlowNetS', width=0.125)
CONFIG = Config(dict(default_scope='mmvidext', model=dict(type='mmvidext.FlowEstimator', flow_net=NET)))


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (2, 37, 53, 3), np.uint8)


@pytest.fixture
def checkpoint(tmp_path):
    model = FlowEstimator(NET)
    path = tmp_path / 'flownets.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, path)
    return path, model.eval()


def test_equals_the_model(frames, checkpoint):
    path, model = checkpoint
    inferencer = FlowInferencer(CONFIG, path)
    flow = inferencer(*frames)
    assert flow.shape == (37, 53, 2)
    assert flow.dtype == np.float32
    first, second = (torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255 for frame in frames)
    with torch.no_grad():
        expected = model.flow_net.estimate(first, second)[0].permute(1, 2, 0)
    np.testing.assert_allclose(flow, expected.numpy(), atol=1e-5)
    picture = inferencer.draw(flow)
    assert picture.shape == (37, 53, 3)
    assert picture.dtype == np.uint8


def test_flow_that_is_not_finite_is_an_error(frames):
    inferencer = FlowInferencer(CONFIG)
    for parameter in inferencer.model.flow_net.parameters():
        torch.nn.init.constant_(parameter, 1e30)
    with pytest.raises(ValueError, match='the flow vectors of the model are not finite: check its weights'):
        inferencer(*frames)


def test_official_weights_are_converted(frames, tmp_path):
    """An official file, and the same one converted, give the same flow or are refused alike."""
    from tests.checkpoints.test_flownet_sources import MMFLOW_S, official, random_weights

    files = [tmp_path / 'official.pth', tmp_path / 'converted.pth']
    torch.save({'state_dict': official(random_weights(('upflow',)), MMFLOW_S)}, files[0])
    config = Config(dict(model=dict(type='mmvidext.FlowEstimator', flow_net=dict(NET, upflow_bias=False))))
    model = FlowInferencer(config, files[0]).model
    torch.save({'state_dict': model.state_dict(), 'meta': {'source': 'mmflow'}}, files[1])
    first, second = (FlowInferencer(config, file)(*frames) for file in files)
    np.testing.assert_array_equal(first, second)
    assert np.abs(first).max() > 0
    config.model.data_preprocessor = dict(type='mmvidext.FlowDataPreprocessor', std=[1.0, 1.0, 1.0])
    for file in files:
        with pytest.raises(ValueError, match=r'std of data_preprocessor .* is \(1\.0, .*, but mmflow has \(255\.0, '):
            FlowInferencer(config, file)


def test_errors(frames, checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        FlowInferencer(CONFIG, tmp_path / 'none.pth')
    wider = Config(dict(model=dict(type='mmvidext.FlowEstimator', flow_net=dict(NET, width=0.25))))
    with pytest.raises(
        ValueError, match=r'flownets\.pth does not fit the FlowEstimator: wrong: flow_net\.conv3_1\.weight is '
    ):
        FlowInferencer(wider, checkpoint[0])
    inferencer = FlowInferencer(CONFIG)
    with pytest.raises(ValueError, match=r'second must be an RGB uint8 array \(H, W, 3\), but got float32 \(37'):
        inferencer(frames[0], frames[1].astype(np.float32))
    for bad in (frames[0][:0], frames[0].tolist()):
        with pytest.raises(ValueError, match=r'first must be an RGB uint8 array \(H, W, 3\), but got '):
            inferencer(bad, bad)
    with pytest.raises(ValueError, match='both frames must have the same size'):
        inferencer(frames[0], frames[1][:-1])


def test_a_flow_upside_down_is_drawn_upside_down():
    flow = np.random.default_rng(0).normal(size=(5, 7, 2)).astype(np.float32)
    np.testing.assert_array_equal(FlowInferencer.draw(flow[::-1]), FlowInferencer.draw(flow)[::-1])


def in_one_buffer(frames):
    """Give frames as a camera does that writes all into one array."""
    buffer = np.empty_like(frames[0])
    for frame in frames:
        buffer[:] = frame
        yield buffer


def test_a_source_may_use_one_buffer(frames):
    pairs = []

    def inferencer(first, second):
        pairs.append((first.copy(), second.copy()))
        return np.zeros((37, 53, 2), np.float32)

    assert estimate_video_flow(inferencer, Source(in_one_buffer(frames), 2, 25.0)) == 1
    np.testing.assert_array_equal(pairs, [frames])
