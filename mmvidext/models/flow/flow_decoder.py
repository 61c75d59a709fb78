"""The expanding half of the FlowNets: from coarse to fine, a flow at every level."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ['COARSEST_LEVEL', 'FINEST_LEVEL', 'NEGATIVE_SLOPE', 'FlowDecoder']

NEGATIVE_SLOPE = 0.1
FINEST_LEVEL, COARSEST_LEVEL = 2, 6  # level L has 1 / 2**L of the input's resolution


class FlowDecoder(nn.Module):
    """Refinement of FlowNet (section 3, figure 3): predict, upsample, join with the encoder's feature, repeat.

    The feature of a level is the concatenation, in this order, of the encoder's feature, the upsampled feature of the
    next coarser level and its upsampled flow. Upsampled maps are cropped at the bottom and right to the encoder's
    feature where a size is odd, as in the authors' network.

    Args:
        skip_channels: Channels of the encoder's features, levels 2 to 6.
        deconv_channels: Channels of the upsampled features, levels 2 to 5.
        deconv_bias: Whether the layers that upsample features have a bias.
        predict_bias: Whether the layers that predict flow have a bias.
        upflow_bias: Whether the layers that upsample flow have a bias.
    """

    def __init__(
        self,
        skip_channels: Sequence[int],
        deconv_channels: Sequence[int],
        *,
        deconv_bias: bool = True,
        predict_bias: bool = True,
        upflow_bias: bool = True,
    ) -> None:
        super().__init__()
        skips = dict(zip(range(FINEST_LEVEL, COARSEST_LEVEL + 1), skip_channels, strict=True))
        deconvs = dict(zip(range(FINEST_LEVEL, COARSEST_LEVEL), deconv_channels, strict=True))
        channels = {level: skips[level] + deconvs[level] + 2 for level in deconvs}
        channels[COARSEST_LEVEL] = skips[COARSEST_LEVEL]
        self.feature_channels = channels[FINEST_LEVEL]
        self.predict_flow = nn.ModuleDict(
            {str(level): nn.Conv2d(width, 2, 3, padding=1, bias=predict_bias) for level, width in channels.items()}
        )
        self.deconv = nn.ModuleDict(
            {
                str(level): nn.ConvTranspose2d(channels[level + 1], width, 4, stride=2, padding=1, bias=deconv_bias)
                for level, width in deconvs.items()
            }
        )
        self.upsample_flow = nn.ModuleDict(
            {str(level): nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1, bias=upflow_bias) for level in deconvs}
        )

    def forward(self, skips: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Refine down to the finest level's feature.

        Args:
            skips: The encoder's features, levels 2 to 6, ``(N, C_L, H_L, W_L)``.

        Returns:
            The feature of level 2, from which its flow is predicted, ``(N, feature_channels, H_2, W_2)``, and the flows
            predicted on the way, levels 3 to 6, ``(N, 2, H_L, W_L)``.
        """
        feature = skips[-1]
        flows: list[Tensor] = []
        for level in range(COARSEST_LEVEL - 1, FINEST_LEVEL - 1, -1):
            flow = self.predict_flow[str(level + 1)](feature)
            skip = skips[level - FINEST_LEVEL]
            height, width = skip.shape[-2:]
            deconv = F.leaky_relu(self.deconv[str(level)](feature), NEGATIVE_SLOPE)[..., :height, :width]
            upflow = self.upsample_flow[str(level)](flow)[..., :height, :width]
            feature = torch.cat((skip, deconv, upflow), dim=1)
            flows.insert(0, flow)
        return feature, flows

    def predict_finest(self, feature: Tensor) -> Tensor:
        """Predict the flow of level 2 from its feature: ``(N, feature_channels, H, W)`` to ``(N, 2, H, W)``."""
        return self.predict_flow[str(FINEST_LEVEL)](feature)
