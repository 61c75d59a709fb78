"""mmaction2's residual blocks, with the shortcut added in place."""

from mmaction.models.backbones.resnet import BasicBlock, Bottleneck
from torch import Tensor
from torch.utils.checkpoint import checkpoint

__all__ = ['InPlaceBasicBlock', 'InPlaceBottleneck']


class InPlaceBasicBlock(BasicBlock):
    """mmaction2's ``BasicBlock``, adding the shortcut to the branch in place.

    mmaction2 writes the sum to a new map. Saving that map makes up for a part of the copy that a temporal shift makes.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C', H', W')``."""
        out = self.conv2(self.conv1(x))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class InPlaceBottleneck(Bottleneck):
    """mmaction2's ``Bottleneck``, adding the shortcut to the branch in place (see :class:`InPlaceBasicBlock`)."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, 4 * planes, H', W')``."""
        if self.with_cp and x.requires_grad:
            return self.relu(checkpoint(self._residual, x, use_reentrant=False))
        return self.relu(self._residual(x))

    def _residual(self, x: Tensor) -> Tensor:
        out = self.conv3(self.conv2(self.conv1(x)))
        out += x if self.downsample is None else self.downsample(x)
        return out
