import pytest

pytest.importorskip('mmseg')

from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmvidext.models.segmentors import DeepFeatureFlow
from tests.models.segmentors.mmseg_configs import shrunk

PARAMWISE = dict(num_layers=4, decay_rate=0.5, decay_type='layer_wise')


def rates(model, constructor):
    config = dict(optimizer=dict(type='SGD', lr=1.0), constructor=constructor, paramwise_cfg=PARAMWISE)
    groups = build_optim_wrapper(model, config).optimizer.param_groups
    return {name: group['lr'] for group in groups for name in group['param_names']}


def test_the_segmentor_has_the_rates_of_the_plain_one():
    init_default_scope('mmseg')
    MMLogger.get_current_instance().setLevel('ERROR')
    plain = rates(MODELS.build(shrunk('upernet_beit')), 'LearningRateDecayOptimizerConstructor')
    video = DeepFeatureFlow(shrunk('upernet_beit'), dict(type='mmvidext.FlowNetS', width=0.0625))
    wrapped = rates(video, 'mmvidext.VideoLearningRateDecay')
    assert {name: rate for name, rate in wrapped.items() if not name.startswith('feature_flow')} == plain
    assert plain['backbone.layers.0.ln1.weight'] == 0.5**4
    own = {rate for name, rate in wrapped.items() if name.startswith('feature_flow')}
    assert own == {plain['decode_head.conv_seg.weight']}


def test_another_model():
    init_default_scope('mmseg')
    with pytest.raises(ValueError, match='VideoLearningRateDecay is for a DeepFeatureFlow, but the model is a Encoder'):
        rates(MODELS.build(shrunk('upernet_beit')), 'mmvidext.VideoLearningRateDecay')
