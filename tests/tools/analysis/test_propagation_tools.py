import pytest

pytest.importorskip('mmseg')

from mmengine.registry import init_default_scope

from mmvidext.models.segmentors import DeepFeatureFlow
from tests.models.segmentors.tiny import fcn
from tools.analysis import key_frame_policies, propagation_table, video_flops


def test_policies_are_compared_at_equal_cost():
    fixed = [
        key_frame_policies.Outcome('interval 2', 0.5, 0.5, 80.0),
        key_frame_policies.Outcome('interval 5', 0.2, 0.2, 60.0),
    ]
    adaptive = [
        key_frame_policies.Outcome('adaptive, 0.3', 0.3, 0.35, 75.0),
        key_frame_policies.Outcome('adaptive, 0.9', 0.1, 0.1, 50.0),
    ]
    rows = key_frame_policies.format_table(fixed, adaptive).splitlines()
    assert rows[4] == '| adaptive, 0.3 | 30.0% | 0.350 | 75.00 | 70.00 |'
    assert rows[5].endswith('| 50.00 |  |')  # cheaper than any fixed interval that was tried


def test_the_table_of_distances():
    table = propagation_table.format_table([('frame by frame', [70.0] * 4)]).splitlines()
    assert table[0] == '| mIoU at | distance 0 | distance 1 | distance 5 | distance 9 |'
    assert table[2] == '| frame by frame | 70.00 | 70.00 | 70.00 | 70.00 |'


@pytest.mark.parametrize(
    'name', [propagation_table.FRAMES, propagation_table.COPY, *propagation_table.VARIANTS.values()]
)
def test_every_config_of_the_table_is_there(name, tmp_path):
    assert propagation_table.checkpoint(name, tmp_path).parent == tmp_path / name


def test_operations_of_a_stream():
    init_default_scope('mmseg')
    flow_net = dict(type='mmvidext.FlowNetS', width=0.0625)
    key, propagated = video_flops.count(DeepFeatureFlow(fcn(), flow_net).eval(), 32, 64)
    large_key, large_propagated = video_flops.count(DeepFeatureFlow(fcn(), flow_net).eval(), 64, 128)
    assert 0 < propagated < key
    assert large_key == pytest.approx(4 * key, rel=0.01)
    assert large_propagated > propagated
