"""MotionSqueeze: displacement between frames as a feature (Kwon et al., ECCV 2020)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvidext.ops.backends import LARGEST_BATCH, LARGEST_DISPLACEMENT, KernelBackend, check_backend, takes_triton
from mmvidext.ops.checks import check_at_least, check_segments
from mmvidext.ops.frame_matching import MOST_CHANNELS, match_frames
from mmvidext.ops.kernel_soft_argmax import check_softness, kernel_soft_argmax
from mmvidext.ops.local_correlation import local_correlation
from mmvidext.ops.precision import accumulation_dtype, without_autocast

__all__ = ['MotionSqueeze']

_NORM_EPS = 1e-6  # added to the squared norm, as in the official code


def _depthwise_separable(in_channels: int, out_channels: int, kernel_size: int) -> nn.Sequential:
    """Depth-wise convolution, then point-wise convolution, each with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, kernel_size, padding=kernel_size // 2, groups=in_channels, bias=False),
        nn.BatchNorm2d(in_channels),
        nn.ReLU(),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


class MotionSqueeze(nn.Module):
    """Add motion features, estimated from the features themselves, to the features.

    1. Channel reduction: 1x1 convolution, batch norm, ReLU; then L2 norm over channels.
    2. Correlation of frames t and t+1 within ``max_displacement`` cells, ReLU.
    3. :func:`~mmvidext.ops.kernel_soft_argmax`: displacement (x, y), divided by ``max_displacement`` into [-1, 1], and
       confidence: 3 channels.
    4. Four depth-wise separable layers (7x7, then 3x3): 3 -> 16 -> 32 -> 64 -> ``in_channels``.

    The last frame has no successor: its displacement is that of the frame before it. A single frame (T = 1) shows no
    motion; its displacement and confidence are zero.

    Source: section 3 of https://arxiv.org/abs/2007.09933, code https://github.com/arunos728/MotionSqueeze.

    Args:
        in_channels: C, channels of the features.
        num_segments: T, the number of frames in a clip.
        reduced_channels: Channels that are matched.
        max_displacement: Largest displacement in cells.
        sigma: Width of the Gaussian of the kernel-soft-argmax in cells.
        temperature: Temperature of its softmax.
        backend: ``'torch'``; or ``'triton'``, a kernel for GPUs that does steps 2 and 3 at once and keeps no
            correlation, see :func:`mmvidext.ops.frame_matching.match_frames`; or ``'auto'``, that kernel on the GPUs
            that run it, where :mod:`mmvidext.ops.backends` says so.

    Raises:
        ValueError: If the backend is none of these or cannot hold ``reduced_channels``, or a number is
            out of range.
    """

    def __init__(
        self,
        in_channels: int,
        num_segments: int,
        *,
        reduced_channels: int = 64,
        max_displacement: int = 7,
        sigma: float = 5.0,
        temperature: float = 0.01,
        backend: KernelBackend = 'auto',
    ) -> None:
        super().__init__()
        check_at_least(in_channels, 1, name='in_channels')
        check_at_least(num_segments, 1, name='num_segments')
        check_at_least(max_displacement, 1, name='max_displacement')
        check_at_least(reduced_channels, 1, name='reduced_channels')
        check_softness(sigma, temperature)
        self.num_segments = num_segments
        self.max_displacement = max_displacement
        self.sigma = sigma
        self.temperature = temperature
        check_backend(backend, size=reduced_channels, largest=MOST_CHANNELS, what='reduced channels')
        self.backend = backend
        self.channel_reduction = nn.Sequential(
            nn.Conv2d(in_channels, reduced_channels, 1, bias=False),
            nn.BatchNorm2d(reduced_channels),
            nn.ReLU(),
        )
        self.flow_refinement = nn.Sequential(
            _depthwise_separable(3, 16, 7),
            _depthwise_separable(16, 32, 3),
            _depthwise_separable(32, 64, 3),
            _depthwise_separable(64, in_channels, 3),
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Initialize every convolution as the official code does (Kaiming, fan-out)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')

    def forward(self, x: Tensor) -> Tensor:
        """Add the motion features to ``x (N*T, C, H, W)``.

        Raises:
            ValueError: If N*T is not a multiple of T.
        """
        motion = self.estimate_motion(x)  # (N, T-1, 3, H, W)
        last = motion[:, -1:] if self.num_segments > 1 else motion.new_zeros(len(motion), 1, *motion.shape[2:])
        motion = torch.cat([motion, last], dim=1).flatten(0, 1)  # (N*T, 3, H, W)
        # the features decide the layout: a map in another one would make every later layer convert
        layout = torch.contiguous_format if x.is_contiguous() else torch.channels_last
        return self.flow_refinement(motion.to(x.dtype, memory_format=layout)) + x

    def estimate_motion(self, x: Tensor) -> Tensor:
        """Estimate the motion between neighboring frames.

        Args:
            x: Features ``(N*T, C, H, W)``.

        Returns:
            ``(N, T-1, 3, H, W)``: displacement x and y as a fraction of ``max_displacement``, in [-1, 1], and
            confidence.

        Raises:
            ValueError: If N*T is not a multiple of T.
        """
        check_segments(x.shape[0], self.num_segments)
        reduced = self.channel_reduction(x)
        # matching is a difference of nearly equal numbers, sharpened a hundredfold: half precision is not enough
        with without_autocast(x.device):
            reduced = reduced.to(accumulation_dtype(reduced))
            motion = self._match(reduced)  # (N*(T-1), 3, H, W)
        return motion.unflatten(0, (x.shape[0] // self.num_segments, self.num_segments - 1))

    def _match(self, reduced: Tensor) -> Tensor:
        """Return displacement and confidence ``(N*(T-1), 3, H, W)``, given the reduced features ``(N*T, C', H, W)``."""
        size = self.max_displacement
        kernel: dict[str, Any] = dict(sigma=self.sigma, temperature=self.temperature)
        fused = takes_triton(
            self.backend,
            reduced,
            size=reduced.shape[0],
            largest=LARGEST_BATCH,
            what='frames',
            suits=size <= LARGEST_DISPLACEMENT and reduced.shape[1] <= MOST_CHANNELS,
        )
        if fused and self.num_segments > 1:
            motion = match_frames(reduced, self.num_segments, size, eps=_NORM_EPS, **kernel)
            displacement, confidence = motion.split([2, 1], dim=1)
        else:
            unit = reduced / (reduced.square().sum(1, keepdim=True) + _NORM_EPS).sqrt()
            clips = unit.unflatten(0, (unit.shape[0] // self.num_segments, self.num_segments))  # (N, T, C', H, W)
            backend: KernelBackend = 'torch' if self.backend == 'torch' else 'auto'
            scores = local_correlation(clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1), size, backend=backend)
            scores = F.relu(scores, inplace=True)
            displacement, confidence = kernel_soft_argmax(scores, backend=backend, **kernel)
        return torch.cat([displacement / size, confidence], dim=1)
