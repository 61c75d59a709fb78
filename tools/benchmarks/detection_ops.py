"""Time the ops of detectors in plain torch against torchvision, and against a full mmcv, where these are installed.

NMS is also compared with a loop over the kept boxes. RoIAlign and convolution are forward and backward pass together.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from benchmarks.timing import Comparison, compare
from torch import Tensor

from mmvidext.compat import apply_fixes
from mmvidext.ops import bbox_overlaps, deform_conv2d, nms, roi_align
from mmvidext.ops.backends import torchvision_problem

Sides = dict[str, Callable[..., Any]]

# height and width of a map of 256 channels, its stride, samples in a bin: levels of a pyramid, and Deep Feature Flow's
MAPS = [((200, 304), 4, 0), ((100, 152), 8, 0), ((38, 63), 16, 2)]


def full_mmcv() -> Any:
    """Return ``mmcv.ops`` if it is compiled."""
    if 'mmcv._ext' in apply_fixes():
        return None
    import mmcv.ops

    return mmcv.ops


def make_boxes(num: int, width: float, height: float, largest: float) -> Tensor:
    """Return ``(num, 4)`` boxes of every size up to ``largest`` pixels."""
    low = torch.rand(num, 2) * torch.tensor([width, height])
    return torch.cat((low, low + torch.rand(num, 2) ** 3 * largest + 1), dim=1)


def loop_nms(boxes: Tensor, scores: Tensor, *, iou_threshold: float) -> list[int]:
    """Suppress box by box."""
    left, kept = scores.argsort(descending=True), []
    while len(left):
        kept.append(int(left[0]))
        left = left[1:][bbox_overlaps(boxes[left[:1]], boxes[left[1:]])[0] <= iou_threshold]
    return kept


def forward_and_backward(forward: Callable[..., Tensor], *inputs: Tensor) -> None:
    """Call a function and form all gradients."""
    torch.autograd.grad(forward(*inputs).sum(), [one for one in inputs if one.requires_grad])


def nms_cases(device: str, mmcv_ops: Any) -> Iterator[tuple[str, Sides, list[Tensor]]]:
    """Yield each size: what it is, the sides, the inputs."""
    sides: Sides = {name: partial(nms, iou_threshold=0.7, backend=name) for name in ('torch', 'torchvision')}
    sides['loop over kept boxes'] = partial(loop_nms, iou_threshold=0.7)
    if mmcv_ops is not None:
        sides['mmcv'] = partial(mmcv_ops.nms, iou_threshold=0.7)
    for num in (1000, 8000):
        yield f'nms, {num} boxes', sides, [make_boxes(num, 1000, 600, 800).to(device), torch.rand(num, device=device)]


def roi_align_cases(device: str, mmcv_ops: Any) -> Iterator[tuple[str, Sides, list[Tensor]]]:
    """Yield each map: what it is, the sides, the inputs."""
    for (height, width), stride, ratio in MAPS:
        settings = dict(output_size=(7, 7), spatial_scale=1 / stride, sampling_ratio=ratio)
        sides: Sides = {
            name: partial(forward_and_backward, partial(roi_align, backend=name, **settings))
            for name in ('torch', 'torchvision')
        }
        if mmcv_ops is not None:
            sides['mmcv'] = partial(forward_and_backward, mmcv_ops.RoIAlign(**settings))
        feature = torch.randn(2, 256, height, width, device=device, requires_grad=True)
        boxes = make_boxes(512, width * stride, height * stride, 28 * stride)
        rois = torch.cat((torch.randint(0, 2, (512, 1)), boxes), dim=1).to(device)
        yield f'roi_align, 512 boxes, 2x256x{height}x{width}, ratio {ratio}', sides, [feature, rois]


def deform_conv2d_cases(device: str, mmcv_ops: Any) -> Iterator[tuple[str, Sides, list[Tensor]]]:
    """Yield one layer: what it is, the sides, the inputs."""
    inputs = [torch.randn(shape, device=device) for shape in ((2, 64, 50, 60), (2, 18, 50, 60), (64, 64, 3, 3))]
    sides: Sides = {
        name: partial(forward_and_backward, partial(deform_conv2d, padding=(1, 1), backend=name))
        for name in ('torch', 'torchvision')
    }
    if mmcv_ops is not None:
        sides['mmcv'] = partial(forward_and_backward, lambda x, offset, w: mmcv_ops.deform_conv2d(x, offset, w, 1, 1))
    yield 'deform_conv2d 3x3, 2x64x50x60', sides, [one.requires_grad_() for one in inputs]


def run(args: argparse.Namespace) -> list[Comparison]:
    """Compare plain torch with whatever else is there."""
    problem, mmcv_ops = torchvision_problem(), full_mmcv()
    print(f'torchvision: {problem or "yes"}; full mmcv: {"no" if mmcv_ops is None else "yes"}\n')
    rows = []
    for cases in (nms_cases, roi_align_cases, deform_conv2d_cases):
        for name, sides, inputs in cases(args.device, mmcv_ops):
            calls = {side: partial(function, *inputs) for side, function in sides.items()}
            ours = calls.pop('torch')
            if problem:
                calls.pop('torchvision')
            for side, call in calls.items():
                rows.append(compare(name, ('plain torch', ours), (side, call), rounds=args.rounds))
    return rows
