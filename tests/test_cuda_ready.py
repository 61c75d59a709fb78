"""What would happen on a GPU, without one: launches, CPU tensors made inside, waits for the device.

A program of its own runs every case on a pretended accelerator, see ``tests/pretended_accelerator.py``.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

# forward and backward in training (Deep Feature Flow and online steps: evaluation); views and allocations do not count
LAUNCHES = {
    'local_correlation': [10, 40],
    'local_correlation, dilation 2': [40, 164],
    'kernel_soft_argmax': [17, 7],
    'flow_warp': [17, 19],
    'flow_to_image': [44, 0],
    'temporal_shift': [5, 5],
    'temporal_shift, causal': [3, 3],
    'temporal_shift_step': [2, 4],
    'temporal_interlace': [49, 26],
    'pool_samples': [26, 80],
    'dynamic_filter': [67, 252],
    'dynamic_filter, projected': [71, 192],
    'dynamic_filter, projected, 8 maps': [71, 192],
    'where_propagated': [5, 4],
    'TemporalShift': [6, 6],
    'MotionSqueeze': [75, 97],
    'DynamicFilter': [82, 207],
    'LSDFNNeck': [83, 208],
    'FlowNetC': [77, 159],
    'FlowNetS': [44, 51],
    'DeepFeatureFlow, key frame': [76, 70],
    'DeepFeatureFlow, step': [70, 150],
    'DeepFeatureFlow, training': [166, 154],
    'FlowEstimator, loss': [121, 92],
    'EndPointError, two samples': [62, 0],
    'FlowDataPreprocessor': [4, 0],
    'VideoSegDataPreProcessor': [9, 0],
    'MotionSqueeze, one frame': [64, 54],
    'online step': [300, 90],
    'TSMResNet': [126, 106],
    'MSResNet': [198, 185],
    'TINResNet': [606, 466],
    'MobileNetV2TSM': [251, 199],
    'P3DResNet': [288, 222],
    'VideoResNet': [153, 116],
}
TRITON_LAUNCHES = {
    'local_correlation, Triton': [1, 2],
    'kernel_soft_argmax, Triton': [1, 1],
    'match_frames': [1, 1],
    'temporal_shift, Triton': [1, 1],
    'pool_samples, Triton': [2, 3],
    'MotionSqueeze, Triton': [41, 33],
    'DynamicFilter, Triton': [34, 53],
}
DETECTION_LAUNCHES = {
    'DeepFeatureFlowDetector, key frame': [83, 82],
    'DeepFeatureFlowDetector, step': [158, 285],
    'DeepFeatureFlowDetector, training': [275, 344],
    'RFCNHead': [210, 60],
}
if find_spec('mmdet'):
    LAUNCHES |= DETECTION_LAUNCHES
if find_spec('triton'):
    LAUNCHES |= TRITON_LAUNCHES
# what the papers' parts may cost at most, whatever the tables above are changed to
LIMITS = {
    'local_correlation': [12, 40],
    'temporal_shift': [5, 5],
    'flow_to_image': [44, 0],
    'MotionSqueeze': [75, 101],
    'DeepFeatureFlow, step': [70, 150],
    'local_correlation, Triton': [1, 2],
    'kernel_soft_argmax, Triton': [1, 1],
    'temporal_shift, Triton': [1, 1],
    'match_frames': [1, 1],
    'MotionSqueeze, Triton': [50, 62],
}


def run(*dtypes):
    command = [sys.executable, '-m', 'tests.pretended_accelerator', *dtypes]
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(root), os.environ.get('PYTHONPATH', '')])}
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


def test_stays_on_the_device_and_launches_no_more_than_before():
    results = run('float32', 'float16', 'bfloat16')  # in one process, half of whose time goes into imports
    for dtype, cases in results.items():
        assert cases.keys() == LAUNCHES.keys()
        assert {name: sorted(set(found)) for name, (_, found, _) in cases.items() if found} == {}, dtype
    assert {name: launches for name, (launches, _, _) in results['float32'].items()} == LAUNCHES


@pytest.mark.parametrize('name', LIMITS)
def test_table_keeps_the_limits(name):
    assert all(count <= limit for count, limit in zip({**LAUNCHES, **TRITON_LAUNCHES}[name], LIMITS[name], strict=True))
