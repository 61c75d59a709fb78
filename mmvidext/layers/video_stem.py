"""The first layer of a video network: 7x7 in space with stride 2, and one of three treatments of time."""

from typing import Any

from torch import nn

from mmvidext.layers.video_conv import make_norm

__all__ = ['BasicStem', 'FactorizedStem']


def _maybe_pool(with_pool: bool) -> list[nn.Module]:
    return [nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))] if with_pool else []


class BasicStem(nn.Sequential):
    """Convolution ``temporal_kernel x 7 x 7``, norm, ReLU and, on request, a 3x3 max-pooling of each frame.

    Args:
        in_channels: Channels of the clip ``(N, C, T, H, W)``.
        out_channels: Channels of the output.
        temporal_kernel: 3 is the stem of R3D and MCx, 1 that of f-R2D and rMCx.
        fold_frames: The stem of R2D: the kernel spans ``temporal_kernel`` frames without padding, so that a clip of
            that length becomes a single frame, as if its frames were channels.
        with_pool: Append the pooling that halves height and width once more (``pool1`` of the official code).
        norm_cfg: Norm; None is batch norm with epsilon 1e-3.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        temporal_kernel: int = 3,
        fold_frames: bool = False,
        with_pool: bool = False,
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        padding = (0 if fold_frames else temporal_kernel // 2, 3, 3)
        super().__init__(
            nn.Conv3d(in_channels, out_channels, (temporal_kernel, 7, 7), (1, 2, 2), padding, bias=False),
            make_norm(out_channels, norm_cfg),
            nn.ReLU(inplace=True),
            *_maybe_pool(with_pool),
        )


class FactorizedStem(nn.Sequential):
    """The stem of R(2+1)D: 1x7x7, norm, ReLU, 3x1x1, norm, ReLU and, on request, a 3x3 max-pooling of each frame.

    Args:
        in_channels: Channels of the clip ``(N, C, T, H, W)``.
        out_channels: Channels of the output.
        mid_channels: Width in between. The official code and torchvision write 45 down; it does not follow from the
            formula of the paper, which gives 83 for 3 to 64 channels and this kernel.
        with_pool: Append the pooling that halves height and width once more (``pool1`` of the official code).
        norm_cfg: Norm; None is batch norm with epsilon 1e-3.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        mid_channels: int = 45,
        with_pool: bool = False,
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            nn.Conv3d(in_channels, mid_channels, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            make_norm(mid_channels, norm_cfg),
            nn.ReLU(inplace=True),
            nn.Conv3d(mid_channels, out_channels, (3, 1, 1), 1, (1, 0, 0), bias=False),
            make_norm(out_channels, norm_cfg),
            nn.ReLU(inplace=True),
            *_maybe_pool(with_pool),
        )
