"""Local correlation by optional packages, in the terms of :func:`mmvidext.ops.local_correlation`."""

import os
from types import ModuleType

from torch import Tensor

__all__ = ['correlate_with_mmcv', 'correlate_with_sampler', 'triton_kernels']


def triton_kernels(feat: Tensor) -> ModuleType:
    """Return the module of the kernels in Triton, for features like ``feat``.

    Raises:
        ImportError: If Triton is not installed.
        ValueError: If ``feat`` is on a CPU, and not under Triton's interpreter (``TRITON_INTERPRET=1``).
        TypeError: If ``feat`` is neither float32 nor a half-precision type.
    """
    try:
        from mmvidext.ops import _correlation_triton
    except ImportError as error:
        raise ImportError(
            "backend 'triton' needs Triton (pip install 'mmvidext[gpu]'). backend='torch' needs nothing"
        ) from error
    if feat.device.type == 'cpu' and os.environ.get('TRITON_INTERPRET') != '1':
        raise ValueError(f"backend 'triton' runs on a GPU, but the input is on {feat.device}. Use backend='torch'")
    if feat.itemsize > 4:
        raise TypeError(f"backend 'triton' takes float32, float16 or bfloat16, not {feat.dtype}. Use backend='torch'")
    return _correlation_triton


def correlate_with_sampler(
    feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, kernel_size: int, stride: int, padding: int
) -> Tensor:
    """Call the package spatial-correlation-sampler.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        from spatial_correlation_sampler import spatial_correlation_sample
    except ImportError as error:
        raise ImportError(
            "backend 'spatial_correlation_sampler' needs the package spatial-correlation-sampler "
            "(pip install spatial-correlation-sampler; it compiles). backend='torch' needs nothing"
        ) from error
    return spatial_correlation_sample(
        feat1,
        feat2,
        kernel_size=kernel_size,
        patch_size=2 * max_displacement + 1,
        stride=stride,
        padding=padding,
        dilation_patch=dilation,
    )


def correlate_with_mmcv(
    feat1: Tensor, feat2: Tensor, max_displacement: int, dilation: int, kernel_size: int, stride: int, padding: int
) -> Tensor:
    """Call ``mmcv.ops.Correlation``.

    Raises:
        ValueError: If the input is not on a CUDA device.
        ImportError: If mmcv comes without its compiled operators.
    """
    if not feat1.is_cuda:
        raise ValueError(
            f"backend 'mmcv' has CUDA kernels only, but the input is on {feat1.device}. Use backend='torch'"
        )
    try:
        from mmcv.ops import Correlation
    except ImportError as error:
        raise ImportError(
            "backend 'mmcv' needs the full mmcv with its compiled operators (mmcv-lite has none). backend='torch' "
            'needs nothing'
        ) from error
    operator = Correlation(
        kernel_size=kernel_size,
        max_displacement=max_displacement,
        stride=stride,
        padding=padding,
        dilation_patch=dilation,
    )
    return operator(feat1, feat2)
