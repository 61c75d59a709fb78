"""Read a pair of images with its flow, and pack it for a model."""

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import BaseDataElement
from numpy.typing import NDArray

from mmvidext.datasets.flow_io import read_flow
from mmvidext.datasets.media.images import read_rgb
from mmvidext.registry import TRANSFORMS

__all__ = ['LoadFlowPair', 'PackFlowPair']


@TRANSFORMS.register_module()
class LoadFlowPair(BaseTransform):
    """Read the files of a pair.

    Needs ``img1_path`` and ``img2_path``; reads ``flow_path`` (``.flo``, KITTI's ``.png``, ``.pfm``) where there is
    one, and beside it, where they are not None:

    - ``invalid_path``, an image that is not 0 where the flow is not to be trusted (Sintel);
    - ``occluded_path``, an image that is not 0 where the pixel is hidden in the second image (Sintel); or
    - ``matched_path``, a flow file that knows only the pixels that both images show (KITTI's ``flow_noc``).

    Adds ``img1`` and ``img2``, RGB ``uint8 (H, W, 3)``; ``gt_flow``, ``float32 (H, W, 2)`` in pixels, order ``(x, y)``;
    ``gt_valid``, ``bool (H, W)``; ``gt_occluded``, ``bool (H, W)``, with one of the two last files; ``ori_shape``.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged, or its size is not that of the first image.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Read the files that ``results`` names."""
        first = read_rgb(results['img1_path'])
        second = read_rgb(results['img2_path'])
        size = first.shape[:2]
        _check_size(results['img2_path'], second.shape[:2], results['img1_path'], size)
        results.update(img1=first, img2=second, ori_shape=size)
        if results.get('flow_path') is None:
            return results
        flow, valid = read_flow(results['flow_path'])
        _check_size(results['flow_path'], valid.shape, results['img1_path'], size)
        if results.get('invalid_path') is not None:
            valid = valid & ~_read_mask(results['invalid_path'], results['img1_path'], size)
        results.update(gt_flow=flow, gt_valid=valid)
        if results.get('occluded_path') is not None:
            results['gt_occluded'] = _read_mask(results['occluded_path'], results['img1_path'], size)
        elif results.get('matched_path') is not None:
            _, matched = read_flow(results['matched_path'])
            _check_size(results['matched_path'], matched.shape, results['img1_path'], size)
            results['gt_occluded'] = ~matched
        return results


@TRANSFORMS.register_module()
class PackFlowPair(BaseTransform):
    """Turn a pair into a model's input: ``inputs (2, 3, H, W)``, RGB, and a data sample.

    The sample holds ``gt_flow (2, H, W)``, ``gt_valid (H, W)`` and ``gt_occluded (H, W)`` where there are any, and as
    meta information ``sample_id``, the paths and ``ori_shape``.
    """

    META_KEYS = ('sample_id', 'img1_path', 'img2_path', 'flow_path', 'ori_shape')

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack ``results``."""
        pair = np.stack((results['img1'], results['img2'])).transpose(0, 3, 1, 2)
        sample = BaseDataElement(metainfo={key: results[key] for key in self.META_KEYS if key in results})
        if 'gt_flow' in results:
            sample.gt_flow = torch.from_numpy(np.ascontiguousarray(results['gt_flow'].transpose(2, 0, 1)))
            sample.gt_valid = torch.from_numpy(np.ascontiguousarray(results['gt_valid']))
        if 'gt_occluded' in results:
            sample.gt_occluded = torch.from_numpy(np.ascontiguousarray(results['gt_occluded']))
        return {'inputs': torch.from_numpy(np.ascontiguousarray(pair)), 'data_samples': sample}


def _read_mask(path: str, reference: str, size: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return where an image of the given size is not 0, ``(H, W)``."""
    mask = read_rgb(path)
    _check_size(path, mask.shape[:2], reference, size)
    return (mask != 0).any(axis=2)


def _check_size(path: str, size: tuple[int, ...], reference: str, expected: tuple[int, ...]) -> None:
    if tuple(size) != tuple(expected):
        raise ValueError(f'{path} is {size} (height, width), but {reference} is {expected}: a pair has one size')
