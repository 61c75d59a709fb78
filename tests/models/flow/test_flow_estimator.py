import pytest
import torch
from mmengine.structures import BaseDataElement

from mmvidext.models.data_preprocessors import FlowDataPreprocessor
from mmvidext.models.flow import FlowEstimator
from mmvidext.registry import MODELS

NET = dict(type='mmvidext.FlowNetS', width=0.125)


def make_batch(height=32, width=48, num=2):
    samples = []
    for _ in range(num):
        sample = BaseDataElement(metainfo=dict(sample_id='a'))
        sample.gt_flow = torch.randn(2, height, width)
        sample.gt_valid = torch.rand(height, width) > 0.2
        samples.append(sample)
    inputs = [torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8) for _ in range(num)]
    return dict(inputs=inputs, data_samples=samples)


@pytest.fixture
def estimator():
    model = MODELS.build(dict(type='mmvidext.FlowEstimator', flow_net=NET))
    model.init_weights()
    return model


def test_loss_mode_trains(estimator):
    optimizer = torch.optim.Adam(estimator.parameters(), 1e-3)
    data = estimator.data_preprocessor(make_batch(), training=True)
    history = []
    for _ in range(6):
        losses = estimator(**data, mode='loss')
        total, log = estimator.parse_losses(losses)
        history.append(total.item())
        assert log['epe'] > 0
        assert total.item() == pytest.approx(sum(v.item() for k, v in losses.items() if k.startswith('loss')))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert history[-1] < 0.9 * history[0]


def test_predict_mode_fills_the_samples(estimator):
    estimator.eval()
    batch = make_batch(37, 53)
    with torch.no_grad():
        data = estimator.data_preprocessor(batch)
        samples = estimator(**data, mode='predict')
        first, second = data['inputs'].unbind(1)
        expected = estimator.flow_net.estimate(first, second)
        assert torch.equal(torch.stack([sample.pred_flow for sample in samples]), expected)
        assert samples[0].sample_id == 'a'
        assert torch.equal(estimator(data['inputs'], mode='predict')[1].pred_flow, expected[1])
        assert len(estimator(data['inputs'])) == 5


def test_preprocessor_normalizes():
    preprocessor = FlowDataPreprocessor(mean=(10, 20, 30), std=(2, 4, 5))
    pair = torch.tensor([12.0, 24.0, 35.0]).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    out = preprocessor(dict(inputs=[pair, pair]))
    assert torch.equal(out['inputs'], torch.ones(2, 2, 3, 4, 5))
    assert out['data_samples'] is None
    assert torch.equal(preprocessor(dict(inputs=pair.unsqueeze(0)))['inputs'], torch.ones(1, 2, 3, 4, 5))


def test_errors(estimator):
    with pytest.raises(ValueError, match=r'image pairs \(N, 2, 3, H, W\), but their shape is \(1, 3, 8, 8\)'):
        estimator(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match="mode must be 'tensor', 'loss' or 'predict', not 'train'"):
        estimator(torch.zeros(1, 2, 3, 8, 8), mode='train')
    with pytest.raises(ValueError, match="mode 'loss' needs data_samples"):
        estimator(torch.zeros(1, 2, 3, 8, 8), mode='loss')
    with pytest.raises(ValueError, match='image pairs of a batch must have one size'):
        estimator.data_preprocessor(dict(inputs=[torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 9)]))


def test_default_parts():
    model = FlowEstimator(NET)
    assert type(model.data_preprocessor) is FlowDataPreprocessor
    assert model.flow_loss.weights == (0.005, 0.01, 0.02, 0.08, 0.32)


def test_loss_takes_what_is_known_as_any_number(estimator):
    data = estimator.data_preprocessor(make_batch(), training=True)
    expected = estimator(**data, mode='loss')
    for sample in data['data_samples']:
        sample.set_field(sample.pop('gt_valid').float(), 'gt_valid')
    assert estimator(**data, mode='loss') == expected
