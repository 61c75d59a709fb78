"""Local correlation by optional packages, in the terms of :func:`mmvidext.ops.local_correlation`."""

from torch import Tensor

__all__ = ['correlate_with_mmcv', 'correlate_with_sampler']


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
