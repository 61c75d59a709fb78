"""Official FlowNets: converted weights give the outputs of the published layer table, computed from theirs."""

import pytest
import torch

from mmvidext.checkpoints import convert_checkpoint, find_source, load_weights
from mmvidext.models.flow import FlowEstimator
from mmvidext.models.propagation import FeatureFlow
from tests.oracles.flownet import flownet_c, flownet_s

WIDTH = 0.125
CONVS = ['conv1', 'conv2', 'conv3', 'conv3_1', 'conv4', 'conv4_1', 'conv5', 'conv5_1', 'conv6', 'conv6_1']
UPS = [
    f'{kind}{level}'
    for kind, levels in (('deconv', '5432'), ('predict', '65432'), ('upflow', '6543'))
    for level in levels
]

CLEMENT_PINARD = {
    **{name: f'{name}.0' for name in (*CONVS, 'conv_redir', 'deconv5', 'deconv4', 'deconv3', 'deconv2')},
    **{f'predict{level}': f'predict_flow{level}' for level in '65432'},
    'upflow6': 'upsampled_flow6_to_5',
    'upflow5': 'upsampled_flow5_to_4',
    'upflow4': 'upsampled_flow4_to_3',
    'upflow3': 'upsampled_flow3_to_2',
}
MMTRACKING = {
    **{f'conv{level}': f'conv{level}.0.conv' for level in '123456'},
    **{f'conv{level}_1': f'conv{level}.1.conv' for level in '3456'},
    **{f'deconv{level}': f'deconv{level}.conv' for level in '5432'},
    **{f'predict{level}': f'predict_flow{level}.conv' for level in '6543'},
    'predict2': 'predict_flow.conv',
    'upflow6': 'upsample_flow5.conv',
    'upflow5': 'upsample_flow4.conv',
    'upflow4': 'upsample_flow3.conv',
    'upflow3': 'upsample_flow2.conv',
}
MMFLOW_DECODER = {
    **{f'deconv{level}': f'decoder.decoders.level{level + 1}.deconv_out.deconvs.0' for level in (5, 4, 3, 2)},
    **{f'predict{level}': f'decoder.decoders.level{level}.pred_out' for level in (6, 5, 4, 3, 2)},
    **{f'upflow{level}': f'decoder.decoders.level{level}.upsample_pred.deconvs.0' for level in (6, 5, 4, 3)},
}
MMFLOW_S = {
    'conv1': 'encoder.layers.0.layers.0.conv',
    'conv2': 'encoder.layers.1.layers.0.conv',
    'conv3': 'encoder.layers.2.layers.0.conv',
    'conv3_1': 'encoder.layers.2.layers.1.conv',
    'conv4': 'encoder.layers.3.layers.0.conv',
    'conv4_1': 'encoder.layers.3.layers.1.conv',
    'conv5': 'encoder.layers.4.layers.0.conv',
    'conv5_1': 'encoder.layers.4.layers.1.conv',
    'conv6': 'encoder.layers.5.layers.0.conv',
    'conv6_1': 'encoder.layers.5.layers.1.conv',
    **MMFLOW_DECODER,
}
MMFLOW_C = {
    'conv1': 'encoder.layers.0.layers.0.conv',
    'conv2': 'encoder.layers.1.layers.0.conv',
    'conv3': 'encoder.layers.2.layers.0.conv',
    'conv_redir': 'corr_encoder.conv_redir.conv',
    'conv3_1': 'corr_encoder.layers.0.layers.0.conv',
    'conv4': 'corr_encoder.layers.1.layers.0.conv',
    'conv4_1': 'corr_encoder.layers.1.layers.1.conv',
    'conv5': 'corr_encoder.layers.2.layers.0.conv',
    'conv5_1': 'corr_encoder.layers.2.layers.1.conv',
    'conv6': 'corr_encoder.layers.3.layers.0.conv',
    'conv6_1': 'corr_encoder.layers.3.layers.1.conv',
    **MMFLOW_DECODER,
}


def shapes(correlated, width=WIDTH):
    """The published table: layer -> (weight's shape, output channels)."""

    def c(channels):
        return round(channels * width)

    merged = c(32) + 441 if correlated else c(256)
    table = {
        'conv1': (c(64), 3 if correlated else 6, 7),
        'conv2': (c(128), c(64), 5),
        'conv3': (c(256), c(128), 5),
        'conv3_1': (c(256), merged, 3),
        'conv4': (c(512), c(256), 3),
        'conv4_1': (c(512), c(512), 3),
        'conv5': (c(512), c(512), 3),
        'conv5_1': (c(512), c(512), 3),
        'conv6': (c(1024), c(512), 3),
        'conv6_1': (c(1024), c(1024), 3),
        'deconv5': (c(1024), c(512), 4),
        'deconv4': (c(512) + c(512) + 2, c(256), 4),
        'deconv3': (c(512) + c(256) + 2, c(128), 4),
        'deconv2': (c(256) + c(128) + 2, c(64), 4),
        'predict6': (2, c(1024), 3),
        'predict5': (2, c(512) + c(512) + 2, 3),
        'predict4': (2, c(512) + c(256) + 2, 3),
        'predict3': (2, c(256) + c(128) + 2, 3),
        'predict2': (2, c(128) + c(64) + 2, 3),
        **{f'upflow{level}': (2, 2, 4) for level in '6543'},
    }
    if correlated:
        table['conv_redir'] = (c(32), c(256), 1)
    return table


def random_weights(without_bias=(), *, correlated=False):
    """Weights under the names of the table."""
    weights = {}
    for name, (first, second, kernel) in shapes(correlated).items():
        out = second if kernel == 4 else first
        bias = None if name.rstrip('23456') in without_bias else torch.randn(out) * 0.1
        weights[name] = (torch.randn(first, second, kernel, kernel) * (2 / (second * kernel**2)) ** 0.5, bias)
    return weights


def official(weights, names):
    state_dict = {}
    for layer, (weight, bias) in weights.items():
        state_dict[f'{names[layer]}.weight'] = weight
        if bias is not None:
            state_dict[f'{names[layer]}.bias'] = bias
    return state_dict


# of RGB, times 255
MEANS = {
    'flownet_pytorch': (114.75, 110.16, 104.805),
    'mmtracking_flownet': (104.805, 110.16, 114.75),
    'mmflow': (0.0, 0.0, 0.0),
}


def estimator(net='FlowNetS', *, source='flownet_pytorch', **kwargs):
    images = dict(type='mmvidext.FlowDataPreprocessor', mean=MEANS[source], std=[255.0] * 3)
    return FlowEstimator(dict(type=f'mmvidext.{net}', width=WIDTH, **kwargs), data_preprocessor=images)


def load(state_dict, net='FlowNetS', **kwargs):
    model = estimator(net, **kwargs)
    model.load_state_dict(convert_checkpoint(state_dict, model))
    return model.flow_net.eval()


NO_BIASES = dict(deconv_bias=False, predict_bias=False, upflow_bias=False)
DECODER = ('deconv', 'predict', 'upflow')


@pytest.mark.parametrize(
    ('source', 'names', 'without_bias', 'switches', 'order'),
    [
        ('flownet_pytorch', CLEMENT_PINARD, DECODER, NO_BIASES, [0, 1, 2]),
        ('mmtracking_flownet', MMTRACKING, DECODER, NO_BIASES, [0, 1, 2]),
        ('mmflow', MMFLOW_S, ('upflow',), dict(upflow_bias=False), [2, 1, 0]),
        ('mmflow', MMFLOW_S, (), {}, [2, 1, 0]),
    ],
)
def test_flownet_s(source, names, without_bias, switches, order):
    weights = random_weights(without_bias)
    state_dict = official(weights, names)
    assert find_source(state_dict) == source
    net = load(state_dict, source=source, **switches)
    first, second = torch.rand(2, 1, 3, 70, 90)  # RGB
    with torch.no_grad():
        flows = net(first, second)
    expected = flownet_s(weights, first[:, order], second[:, order])  # in the official order of channels
    for level, flow in enumerate(flows, start=2):
        torch.testing.assert_close(flow, expected[level], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ('source', 'names', 'without_bias', 'switches', 'order', 'normalize'),
    [
        ('flownet_pytorch', CLEMENT_PINARD, DECODER, NO_BIASES, [0, 1, 2], True),
        ('mmflow', MMFLOW_C, (), {}, [2, 1, 0], False),
    ],
)
def test_flownet_c(source, names, without_bias, switches, order, normalize):
    weights = random_weights(without_bias, correlated=True)
    state_dict = official(weights, names)
    assert find_source(state_dict) == source
    net = load(state_dict, 'FlowNetC', source=source, normalize=normalize, **switches)
    first, second = torch.rand(2, 1, 3, 70, 90)  # RGB
    with torch.no_grad():
        flows = net(first, second)
    expected = flownet_c(weights, first[:, order], second[:, order], normalize=normalize)
    for level, flow in enumerate(flows, start=2):
        torch.testing.assert_close(flow, expected[level], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('correlated', [False, True])
def test_full_width_has_the_published_number_of_parameters(correlated):
    official_count = {False: 38_675_536, True: 39_174_320}[correlated]
    count = 0
    for name, (first, second, kernel) in shapes(correlated, width=1).items():
        count += first * second * kernel**2 + (0 if name.startswith(DECODER) else first)
    assert count == official_count


def test_mmtracking_prefix_of_a_detector():
    state_dict = official(random_weights(DECODER), MMTRACKING)
    model = estimator(source='mmtracking_flownet', **NO_BIASES)
    prefixed = {f'motion.{name}': tensor for name, tensor in state_dict.items()}
    assert find_source(prefixed) == 'mmtracking_flownet'
    assert convert_checkpoint(prefixed, model).keys() == convert_checkpoint(state_dict, model).keys()


def test_the_normalization_of_the_correlation_is_checked():
    model = estimator('FlowNetC', source='mmflow', normalize=True)
    with pytest.raises(ValueError, match=r'wrong: normalize of flow_net \(FlowNetC\) is True, but mmflow has False'):
        convert_checkpoint(official(random_weights((), correlated=True), MMFLOW_C), model)


@pytest.mark.parametrize(
    ('source', 'names', 'without_bias', 'switches'),
    [
        ('flownet_pytorch', CLEMENT_PINARD, DECODER, NO_BIASES),
        ('mmtracking_flownet', MMTRACKING, DECODER, NO_BIASES),
        ('mmflow', MMFLOW_S, ('upflow',), dict(upflow_bias=False)),
    ],
)
def test_what_the_official_network_takes_is_checked(source, names, without_bias, switches):
    state_dict = official(random_weights(without_bias), names)
    other = 'flownet_pytorch' if source == 'mmflow' else 'mmflow'
    convert_checkpoint(state_dict, estimator(source=source, **switches))
    with pytest.raises(
        ValueError, match=rf'wrong: mean of data_preprocessor \(FlowDataPreprocessor\) is .* {source} has'
    ):
        convert_checkpoint(state_dict, estimator(source=other, **switches))


def test_a_converted_file_is_checked_as_its_source_is(tmp_path):
    """It has our names, but what shows in no tensor must still be as there."""
    state_dict = official(random_weights((), correlated=True), MMFLOW_C)
    right = estimator('FlowNetC', source='mmflow', normalize=False)
    converted = convert_checkpoint(state_dict, right)
    for source, fits in (('mmflow', False), ('other', True)):
        torch.save({'state_dict': converted, 'meta': {'source': source}}, tmp_path / f'{source}.pth')
        load_weights(right, tmp_path / f'{source}.pth')
        wrong = estimator('FlowNetC', source='mmflow', normalize=True)
        if fits:
            load_weights(wrong, tmp_path / f'{source}.pth')
        else:
            with pytest.raises(ValueError, match=r'normalize of flow_net .* is True, but mmflow has False'):
                load_weights(wrong, tmp_path / f'{source}.pth')


def test_what_deep_feature_flow_gives_its_flow_network_is_checked(tmp_path):
    torch.save(official(random_weights(('upflow',)), MMFLOW_S), tmp_path / 'mmflow.pth')
    start = dict(type='Pretrained', checkpoint=str(tmp_path / 'mmflow.pth'))
    net = dict(type='mmvidext.FlowNetS', width=WIDTH, upflow_bias=False, init_cfg=start)
    FeatureFlow(net, [4], flow_input=dict(mean=[0.0] * 3)).init_weights()
    with pytest.raises(ValueError, match=r'mean of flow_input \(FlowInput\) is \(123\.15, .*, but mmflow has \(0\.0, '):
        FeatureFlow(net, [4]).init_weights()


def test_what_a_model_lacks_for_a_source_is_said():
    state_dict = official(random_weights(('upflow',)), MMFLOW_S)
    message = r'looks like mmflow \(its FlowNetS needs flow_net\.upflow_bias=False\); missing: .*upsample_flow\.2\.bias'
    with pytest.raises(ValueError, match=message):
        convert_checkpoint(state_dict, estimator(source='mmflow'))


def test_errors():
    state_dict, model = official(random_weights(DECODER), CLEMENT_PINARD), estimator(**NO_BIASES)
    with pytest.raises(ValueError, match=r'missing: flow_net\.conv4_1\.weight'):
        convert_checkpoint({k: v for k, v in state_dict.items() if k != 'conv4_1.0.weight'}, model)
    with pytest.raises(ValueError, match=r'not in the model: conv1\.1\.weight'):
        convert_checkpoint({**state_dict, 'conv1.1.weight': torch.zeros(8)}, model)  # a network with batch norm
    with pytest.raises(ValueError, match=r'wrong: predict_flow6\.weight is \(3, 128, 3, 3\)'):
        convert_checkpoint({**state_dict, 'predict_flow6.weight': torch.zeros(3, 128, 3, 3)}, model)
    with pytest.raises(ValueError, match=r'missing: flow_net\.decoder\.predict_flow\.2\.bias'):
        convert_checkpoint(state_dict, estimator())  # no bias is made up
