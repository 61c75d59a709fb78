"""The compiled ops of mmcv 2.1.0 that detectors call, in its calling convention, on top of :mod:`mmvidext.ops`.

The wrappers in ``mmcv.ops`` are autograd functions: they allocate the outputs, and call forward and backward as two ops
that fill them. So every function here takes the tensors to write into, under mmcv's names and in its order, and the
backward passes are those of our ops, computed anew. :mod:`mmvidext.compat` puts :data:`OPS` where mmcv looks for them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mmvidext import ops
from mmvidext.ops.masked_conv2d import columns_at

__all__ = ['OPS']

_OVERLAP_MODES = ('iou', 'iof')
_SOFT_NMS_METHODS = ('naive', 'linear', 'gaussian')


def _write_gradients(
    targets: Sequence[Tensor], function: Callable[..., Tensor], inputs: Sequence[Tensor], grad_output: Tensor
) -> None:
    """Write the gradients of ``function`` at ``inputs`` into ``targets``."""
    with torch.enable_grad():
        leaves = [one.detach().requires_grad_() for one in inputs]
        grads = torch.autograd.grad(function(*leaves), leaves, grad_output, materialize_grads=True)
    for target, grad in zip(targets, grads, strict=True):
        target.copy_(grad)


def _bbox_overlaps(bboxes1: Tensor, bboxes2: Tensor, ious: Tensor, *, mode: int, aligned: bool, offset: int) -> None:
    ious.copy_(ops.bbox_overlaps(bboxes1, bboxes2, mode=_OVERLAP_MODES[mode], aligned=aligned, offset=offset))


def _nms(bboxes: Tensor, scores: Tensor, *, iou_threshold: float, offset: int) -> Tensor:
    return ops.nms(bboxes, scores, iou_threshold=iou_threshold, offset=offset)


def _softnms(boxes: Tensor, scores: Tensor, dets: Tensor, *, method: int, **settings: Any) -> Tensor:
    detections, indices = ops.soft_nms(boxes, scores, method=_SOFT_NMS_METHODS[method], **settings)
    dets[: len(detections)] = detections
    return indices


def _nms_match(dets: Tensor, *, iou_threshold: float) -> list[list[int]]:
    return [group.tolist() for group in ops.nms_match(dets[:, :4], dets[:, 4], iou_threshold=iou_threshold)]


def _roi_align(
    rois: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> Callable[[Tensor], Tensor]:
    if pool_mode != 1:
        raise RuntimeError("roi_align has no pool_mode='max' without mmcv's compiled ops. Use pool_mode='avg'")
    return lambda feature: ops.roi_align(
        feature,
        rois,
        (aligned_height, aligned_width),
        spatial_scale=spatial_scale,
        sampling_ratio=sampling_ratio,
        aligned=aligned,
    )


def _roi_align_forward(
    input: Tensor, rois: Tensor, output: Tensor, argmax_y: Tensor, argmax_x: Tensor, **settings: Any
) -> None:
    output.copy_(_roi_align(rois, **settings)(input))


def _roi_align_backward(
    grad_output: Tensor, rois: Tensor, argmax_y: Tensor, argmax_x: Tensor, grad_input: Tensor, **settings: Any
) -> None:
    # linear in the feature, so that the gradient is the same everywhere
    _write_gradients([grad_input], _roi_align(rois, **settings), [torch.zeros_like(grad_input)], grad_output)


def _deform_conv(settings: dict[str, Any]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    geometry = dict(
        stride=(settings['dH'], settings['dW']),
        padding=(settings['padH'], settings['padW']),
        dilation=(settings['dilationH'], settings['dilationW']),
        groups=settings['group'],
    )
    return lambda input, offset, weight: ops.deform_conv2d(input, offset, weight, **geometry)


def _deform_conv_forward(
    input: Tensor, weight: Tensor, offset: Tensor, output: Tensor, columns: Tensor, ones: Tensor, **settings: Any
) -> None:
    output.copy_(_deform_conv(settings)(input, offset, weight))


def _deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    **settings: Any,
) -> None:
    convolve = _deform_conv(settings)
    _write_gradients([grad_input, grad_offset], lambda x, o: convolve(x, o, weight), [input, offset], grad_output)


def _deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    *,
    scale: float,
    **settings: Any,
) -> None:
    convolve, grad = _deform_conv(settings), torch.empty_like(grad_weight)
    # linear in the weight, so that the gradient is the same everywhere
    _write_gradients([grad], lambda w: convolve(input, offset, w), [torch.zeros_like(grad_weight)], grad_output)
    grad_weight.add_(grad, alpha=scale)


def _modulated_deform_conv(settings: dict[str, Any]) -> Callable[..., Tensor]:
    geometry = dict(
        stride=(settings['stride_h'], settings['stride_w']),
        padding=(settings['pad_h'], settings['pad_w']),
        dilation=(settings['dilation_h'], settings['dilation_w']),
        groups=settings['group'],
    )

    def convolve(input: Tensor, weight: Tensor, bias: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        given = bias if settings['with_bias'] else None
        return ops.deform_conv2d(input, offset, weight, mask=mask, bias=given, **geometry)

    return convolve


def _modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    **settings: Any,
) -> None:
    output.copy_(_modulated_deform_conv(settings)(input, weight, bias, offset, mask))


def _modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    **settings: Any,
) -> None:
    targets = [grad_input, grad_weight, grad_bias, grad_offset, grad_mask]
    _write_gradients(targets, _modulated_deform_conv(settings), [input, weight, bias, offset, mask], grad_output)


def _focal_loss(target: Tensor, weight: Tensor, gamma: float, alpha: float) -> Callable[[Tensor], Tensor]:
    given = weight if weight.numel() else None  # mmcv passes an empty tensor for none
    return lambda logits: ops.sigmoid_focal_loss(logits, target, gamma=gamma, alpha=alpha, weight=given)


def _sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, *, gamma: float, alpha: float
) -> None:
    output.copy_(_focal_loss(target, weight, gamma, alpha)(input))


def _sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, *, gamma: float, alpha: float
) -> None:
    _write_gradients([grad_input], _focal_loss(target, weight, gamma, alpha), [input], torch.ones_like(input))


def _carafe(kernel_size: int, group_size: int, scale_factor: int) -> Callable[[Tensor, Tensor], Tensor]:
    sizes = dict(kernel_size=kernel_size, groups=group_size, scale_factor=scale_factor)
    return lambda features, masks: ops.carafe(features, masks, **sizes)


def _carafe_forward(
    features: Tensor, masks: Tensor, rfeatures: Tensor, routput: Tensor, rmasks: Tensor, output: Tensor, **sizes: int
) -> None:
    rfeatures.copy_(features)  # all that the backward pass is given of the features
    output.copy_(_carafe(**sizes)(features, masks))


def _carafe_backward(
    grad_output: Tensor,
    rfeatures: Tensor,
    masks: Tensor,
    rgrad_output: Tensor,
    rgrad_input_hs: Tensor,
    rgrad_input: Tensor,
    rgrad_masks: Tensor,
    grad_input: Tensor,
    grad_masks: Tensor,
    **sizes: int,
) -> None:
    _write_gradients([grad_input, grad_masks], _carafe(**sizes), [rfeatures, masks], grad_output)


def _masked_im2col_forward(
    features: Tensor,
    mask_h_idx: Tensor,
    mask_w_idx: Tensor,
    data_col: Tensor,
    *,
    kernel_h: int,
    kernel_w: int,
    pad_h: int,
    pad_w: int,
) -> None:
    places = (torch.zeros_like(mask_h_idx), mask_h_idx, mask_w_idx)
    columns = columns_at(features, *places, kernel_size=(kernel_h, kernel_w), padding=(pad_h, pad_w))
    data_col.copy_(columns.T)


def _masked_col2im_forward(
    data_col: Tensor, mask_h_idx: Tensor, mask_w_idx: Tensor, output: Tensor, *, height: int, width: int, channels: int
) -> None:
    output[0][:, mask_h_idx, mask_w_idx] = data_col


def _attend(spatial_shapes: Tensor) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch  # mmcv's own, for CPUs

    return lambda value, locations, weights: multi_scale_deformable_attn_pytorch(
        value, spatial_shapes, locations, weights
    )


def _ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    *,
    im2col_step: int,
) -> Tensor:
    return _attend(value_spatial_shapes)(value, sampling_locations, attention_weights)


def _ms_deform_attn_backward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    *,
    im2col_step: int,
) -> None:
    targets = [grad_value, grad_sampling_loc, grad_attn_weight]
    inputs = [value, sampling_locations, attention_weights]
    _write_gradients(targets, _attend(value_spatial_shapes), inputs, grad_output)


OPS: dict[str, Callable[..., Any]] = {
    function.__name__.removeprefix('_'): torch.no_grad()(function)
    for function in (
        _bbox_overlaps,
        _nms,
        _softnms,
        _nms_match,
        _roi_align_forward,
        _roi_align_backward,
        _deform_conv_forward,
        _deform_conv_backward_input,
        _deform_conv_backward_parameters,
        _modulated_deform_conv_forward,
        _modulated_deform_conv_backward,
        _sigmoid_focal_loss_forward,
        _sigmoid_focal_loss_backward,
        _carafe_forward,
        _carafe_backward,
        _masked_im2col_forward,
        _masked_col2im_forward,
        _ms_deform_attn_forward,
        _ms_deform_attn_backward,
    )
}
