"""mmtracking's Deep Feature Flow detectors, and plain detectors of mmdet."""

import pytest
import torch

pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")

from mmengine.registry import DefaultScope

from mmvidext.apis.weights import fit_for_training, load_for_inference
from mmvidext.checkpoints import convert_checkpoint, find_source
from mmvidext.registry import MODELS
from tests.checkpoints.test_flownet_sources import DECODER, MMTRACKING, shapes
from tests.configs.paths import load
from tests.models.detectors.tiny import detector
from tests.oracles.official_weights import mmtracking_faster_rcnn, random_values

RETINANET = 'retinanet/retinanet_r50_fpn_1x_coco.py'


def mmtracking_dff_shapes(depth):
    """Names and shapes of a checkpoint: ``detector.*`` and ``motion.*``."""
    table = {f'detector.{name}': shape for name, shape in mmtracking_faster_rcnn(depth).items()}
    for layer, (first, second, kernel) in shapes(correlated=False, width=1).items():
        name = f'motion.{MMTRACKING[layer]}'
        table[f'{name}.weight'] = (first, second, kernel, kernel)
        if not layer.startswith(DECODER):
            table[f'{name}.bias'] = (first,)
    return table


def video_detector(depth):
    """The model of the config that these checkpoints are for, without values."""
    with DefaultScope.overwrite_default_scope('mmdet'), torch.device('meta'):
        return MODELS.build(load(f'dff_faster_rcnn_r{depth}_vid.py').model)


@pytest.mark.parametrize(('depth', 'parameters'), [(50, 62_231_827), (101, 81_223_955)])
def test_every_key_is_used(depth, parameters):
    table = mmtracking_dff_shapes(depth)
    official = random_values(table, device='meta')
    assert find_source(official) == 'mmtracking_dff'
    model = video_detector(depth)
    assert sum(parameter.numel() for parameter in model.detector.parameters()) == parameters
    converted = convert_checkpoint(official, model)
    assert converted.keys() == model.state_dict().keys()
    assert len(converted) == len(table)
    layer = 'feature_flow.flow_net.decoder.predict_flow.2.weight'
    assert converted[layer] is official['motion.predict_flow.conv.weight']
    assert converted['detector.neck.convs.0.conv.weight'] is official['detector.neck.convs.0.conv.weight']


def test_the_official_form_of_the_warp_is_named():
    model = video_detector(50)
    model.feature_flow.warp_form = 'official'
    official = random_values(mmtracking_dff_shapes(50), device='meta')
    with pytest.raises(ValueError, match=r'warp_form of feature_flow \(FeatureFlow\) is official, but mmtracking_dff'):
        convert_checkpoint(official, model)


def test_the_scale_map_that_it_lacks_is_named(tmp_path):
    model = build(RETINANET, flow_net=dict(type='mmvidext.FlowNetS', width=0.0625))
    weights = {name: value for name, value in model.state_dict().items() if 'scale_convs' not in name}
    torch.save(dict(state_dict=weights), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'missing: feature_flow\.scale_convs\.0\.weight[^;]*$'):
        load_for_inference(model, tmp_path / 'a.pth')


@pytest.mark.parametrize(
    'name',
    [
        'detector.backbone.layer3.5.bn2.running_var',
        'detector.rpn_head.rpn_reg.bias',
        'detector.roi_head.bbox_head.shared_fcs.1.weight',
        'motion.conv3.1.conv.weight',
        'motion.predict_flow.conv.weight',
        'motion.upsample_flow2.conv.weight',
    ],
)
def test_a_damaged_tensor_is_named(name):
    official, model = random_values(mmtracking_dff_shapes(50), device='meta'), video_detector(50)
    without = {other: tensor for other, tensor in official.items() if other != name}
    with pytest.raises(ValueError, match=r'does not fit the DeepFeatureFlowDetector: .*missing: '):
        convert_checkpoint(without, model)
    with pytest.raises(ValueError, match=rf'wrong: {name} is \(3,\) instead of'):
        convert_checkpoint({**official, name: torch.zeros(3)}, model)
    with pytest.raises(ValueError, match=rf'not in the model: {name}_2'):
        convert_checkpoint({**official, f'{name}_2': torch.zeros(3)}, model)


def test_the_flow_network_alone():
    """Without a detector these are the names of the other source."""
    official = {name: 0 for name in mmtracking_dff_shapes(50) if name.startswith('motion.')}
    assert find_source(official) == 'mmtracking_flownet'


def build(name, **kwargs):
    config = dict(type='mmvidext.DeepFeatureFlowDetector', detector=detector(name), **kwargs)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(config)


@pytest.mark.parametrize('name', [RETINANET, 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'])
def test_a_plain_detector_goes_into_deep_feature_flow(name, tmp_path):
    model = build(name, flow_net=dict(type='mmvidext.ZeroFlow'), scale_map=False)
    plain = {key.removeprefix('detector.'): value + 1 for key, value in model.state_dict().items()}
    mean = {'data_preprocessor.mean': torch.zeros(3, 1, 1)}
    torch.save(dict(state_dict=plain | mean), tmp_path / 'plain.pth')
    fit = load_for_inference(model, tmp_path / 'plain.pth')
    assert (fit.source, fit.aside) == ('mmdet', ['data_preprocessor.mean'])
    assert torch.equal(model.detector.backbone.conv1.weight, plain['backbone.conv1.weight'])
    assert convert_checkpoint(plain, model, 'mmdet').keys() == model.state_dict().keys()
    with pytest.raises(ValueError, match=r'Detector: it looks like mmdet; not in the model: neck\.x'):
        convert_checkpoint(plain | {'neck.x': torch.zeros(1)}, model)


def test_training_starts_from_heads_of_another_class_count(tmp_path):
    model = build(RETINANET, flow_net=dict(type='mmvidext.FlowNetS', width=0.0625))
    plain = {key.removeprefix('detector.'): value for key, value in model.state_dict().items() if 'detector' in key}
    plain['bbox_head.retina_cls.weight'] = torch.zeros(9, 16, 3, 3)
    torch.save(dict(state_dict=plain), tmp_path / 'plain.pth')
    fit = fit_for_training(model, tmp_path / 'plain.pth')
    assert any('retina_cls.weight' in words for words in fit.skipped)
    assert 'detector.backbone.conv1.weight' in fit.weights
