"""Compile the kernels for GPUs without one, print the bytes each spills: ``python -m tests.ops.triton_resources 90``"""

import contextlib
import io
import json
import re
import sys

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from mmvidext.ops import _correlation_triton, _matching_triton, _pooling_triton, _shift_triton, _soft_argmax_triton

# MotionSqueeze behind layer2 of a ResNet-50, FlowNetC on 384x512
SHAPES = {'MotionSqueeze': ((56, 64, 28, 28), 7, 1), 'FlowNetC': ((8, 256, 48, 64), 10, 2)}


def cases():
    """Yield name, kernel, types of the arguments in order, constants."""
    yield from correlations()
    yield from matching()
    for dtype in ('fp32', 'bf16'):
        yield from others(dtype)


def correlations():
    for name, (shape, radius, dilation) in SHAPES.items():
        forward, gradient = (
            dict(_correlation_triton.plan_tiles(torch.Size(shape), radius, dilation, sizes).constants, UPCAST=False)
            for sizes in (_correlation_triton.FORWARD_SIZES, _correlation_triton.GRADIENT_SIZES)
        )
        for dtype in ('fp32', 'bf16', 'fp16'):
            pointers = [f'*{dtype}'] * 3
            kernel = _correlation_triton._forward_kernel
            yield f'{name} {dtype} forward', kernel, [*pointers, *['i32'] * 12], forward
            for second in (False, True):
                kernel = _correlation_triton._gradient_kernel
                types = [*pointers, *['i32'] * 13]
                yield f'{name} {dtype} gradient {1 + second}', kernel, types, dict(gradient, SECOND=second)


def matching():
    plan = _correlation_triton.plan_tiles(torch.Size((64, 64, 28, 28)), 7, 1, (_matching_triton.CELLS, 64)).constants
    constants = {key: plan[key] for key in ('RADIUS', 'ROWS', 'COLUMNS', 'WINDOW')}
    constants |= {'PIECE': _matching_triton.PIECE, 'CHANNELS': 64}
    rest = [*['i32'] * 5, *['fp32'] * 3, *['i32'] * 4]
    maps = ['*fp32', '*fp32', '*i32', '*fp32']
    yield 'matching forward', _matching_triton._forward_kernel, [*maps, *rest], constants
    types = [*maps, '*fp32', '*fp32', *rest, *['i32'] * 4]
    yield 'matching backward', _matching_triton._backward_kernel, types, constants


def others(dtype):
    for size in (15, 63):
        constants, rest = _soft_argmax_triton.plan_blocks(size), [*['i32'] * 2, *['fp32'] * 3]
        for name, kernel, maps in (
            ('forward', _soft_argmax_triton._forward_kernel, 3),
            ('backward', _soft_argmax_triton._backward_kernel, 4),
        ):
            yield f'soft-argmax {size} {dtype} {name}', kernel, [*[f'*{dtype}'] * maps, *rest], constants
    pointers = [f'*{dtype}'] * 2
    yield f'shift {dtype}', _shift_triton._shift_kernel, [*pointers, *['i32'] * 7], dict(BLOCK=_shift_triton.BLOCK)
    constants, pointers = dict(_pooling_triton.CONSTANTS, SAMPLES=5, STRIDE=3), [f'*{dtype}'] * 3
    for name, count in (('forward', 12), ('map_gradient', 14), ('attention_gradient', 11)):
        kernel = getattr(_pooling_triton, f'_{name}_kernel')
        yield f'pooling {dtype} {name}', kernel, [*pointers, *['i32'] * count], constants


def spilled_bytes(kernel, types, constants, capability):
    options = sys.modules[kernel.__module__].OPTIONS
    if kernel is _matching_triton._backward_kernel:
        options = _matching_triton.backward_options(capability)
    names = kernel.arg_names
    plain = [name for name in names if name not in constants]
    signature = {**dict(zip(plain, types, strict=True)), **dict.fromkeys(constants, 'constexpr')}
    signature = {name: signature[name] for name in names}
    aligned = {(i,): [['tt.divisibility', 16]] for i, name in enumerate(names) if signature[name].startswith('*')}
    values = {(names.index(name),): value for name, value in constants.items()}
    source = ASTSource(kernel, signature=signature, constexprs=values, attrs=aligned)
    with contextlib.redirect_stdout(io.StringIO()) as log, triton.knobs.nvidia.scope():
        triton.knobs.nvidia.dump_ptxas_log = True
        triton.compile(source, target=GPUTarget('cuda', capability, 32), options=options)
    return int(re.search(r'(\d+) bytes spill stores', log.getvalue())[1])


def main(capability):
    print(json.dumps({name: spilled_bytes(*case, int(capability)) for name, *case in cases()}))


if __name__ == '__main__':
    main(*sys.argv[1:])
