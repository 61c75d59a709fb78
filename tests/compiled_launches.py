"""Print the launches of a forward pass in evaluation, eager and compiled: ``python -m tests.compiled_launches``.

Inductor writes its code and is stopped before anything is compiled or run: calls of its kernels and of library kernels
in that code are the launches. It is the code for a CPU; fusion on a GPU differs a little.
"""

import contextlib
import re
import sys
from unittest import mock

import torch
from torch._inductor.graph import GraphLowering

import mmvidext.models  # noqa: F401
from mmvidext.layers import DynamicFilter, MotionSqueeze
from mmvidext.registry import MODELS
from tests.launches import count_launches
from tests.models.test_compile import deep_feature_flow

# a kernel of inductor, of a library, or an operator, where generated code calls it
CALL = re.compile(
    r'^\s+(?:\w+ = )?(?:cpp_fused_\w+|extern_kernels\.\w+|torch\.ops\.(?!aten\.view)[\w.]+)\(', re.MULTILINE
)


# on a CPU inductor turns the weights of convolutions into another layout in every call
OPTIONS = dict(fx_graph_cache=False, layout_optimization=False)


class StopAfterWritingError(Exception):
    """The code is there: nothing needs to be compiled."""


def backbone(name, shape=(8, 3, 224, 224), **kwargs):
    return MODELS.build(dict(type=f'mmvidext.{name}', **kwargs)), (torch.randn(shape),)


CASES = {
    'TSM-ResNet-50': lambda: backbone('TSMResNet', depth=50),
    'MS-TSM-ResNet-50': lambda: backbone('MSResNet', depth=50),
    'R(2+1)D-18': lambda: backbone('VideoResNet', (1, 3, 8, 112, 112), arch='r2plus1d', depth=18),
    'MotionSqueeze': lambda: (MotionSqueeze(512, 8), (torch.randn(8, 512, 28, 28),)),
    'DynamicFilter': lambda: (DynamicFilter(64, feature_channels=64), (torch.randn(1, 64, 30, 40),)),
    'FlowNetC': lambda: (MODELS.build(dict(type='mmvidext.FlowNetC')), (torch.randn(1, 3, 64, 64),) * 2),
    'FlowNetS': lambda: (MODELS.build(dict(type='mmvidext.FlowNetS')), (torch.randn(1, 3, 64, 64),) * 2),
    'Deep Feature Flow, key frame': lambda: deep_feature_flow('key frame'),
    'Deep Feature Flow, key frame and step': lambda: deep_feature_flow('step'),
}


@torch.no_grad()
def eager_and_compiled(name):
    """Return the launches of a case."""
    model, inputs = CASES[name]()
    model.eval()
    eager, code = count_launches(lambda: model(*inputs)), []

    def write(graph):
        code.append(graph.codegen()[0].value)
        raise StopAfterWritingError

    torch._dynamo.reset()
    failure = torch._dynamo.exc.BackendCompilerFailed
    with mock.patch.object(GraphLowering, 'compile_to_module', write), contextlib.suppress(failure):
        torch.compile(model, fullgraph=True, options=OPTIONS)(*inputs)
    return eager, len(CALL.findall(code[0]))


def main(*names):
    print('| forward pass in evaluation | eager | compiled |\n|---|---|---|')
    for name in names or CASES:
        print('| {} | {} | {} |'.format(name, *eager_and_compiled(name)), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
