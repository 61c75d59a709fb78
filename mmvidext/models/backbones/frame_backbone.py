"""What the video backbones have in common that make one of a 2D network of mmaction2."""

from typing import Any, ClassVar

from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mmvidext.layers.out_of_place import make_out_of_place
from mmvidext.models.backbones.arguments import check_out_indices, check_start, choose
from mmvidext.models.backbones.pretrained import PretrainedBackbone
from mmvidext.ops.checks import check_rank

__all__ = ['FrameBackbone']


class FrameBackbone(PretrainedBackbone):
    """Comes before mmaction2's network among the base classes, checks its arguments and freezes what it says.

    mmaction2 freezes at the first ``train()`` only, when a distributed model already waits for the gradients and the
    optimizer has the parameters. So a subclass calls ``self.train()`` as the last thing in its ``__init__``.

    Args:
        *args: Arguments of mmaction2's network.
        num_segments: Frames of a clip.
        pretrained: Checkpoint to start from.
        is_shift: True, for configs of mmaction2's own class of the same network: frames always exchange features here.
        pretrained2d: For such configs, too: what kind of checkpoint ``pretrained`` is shows in its names.
        **kwargs: Arguments of mmaction2's network.

    Attributes:
        max_stages: Stages of the whole network.

    Raises:
        ValueError: If an argument is not one of its valid values.
    """

    num_segments: int
    max_stages: ClassVar[int] = 4

    def __init__(
        self,
        *args: Any,
        num_segments: int,
        pretrained: str | None,
        is_shift: bool = True,
        pretrained2d: bool = True,
        **kwargs: Any,
    ) -> None:
        name = type(self).__name__
        if not is_shift:
            raise ValueError(f'{name} always shifts: for is_shift=False, take the 2D network of mmaction2')
        check_start(pretrained, kwargs.get('init_cfg'), owner=name)
        stages = range(1, self.max_stages + 1)
        num_stages = choose(kwargs.get('num_stages', self.max_stages), stages, name='num_stages', owner=name)
        check_out_indices(kwargs.setdefault('out_indices', (num_stages - 1,)), num_stages, owner=name)
        super().__init__(*args, **kwargs)
        make_out_of_place(self, kwargs.get('act_cfg'))
        choose(self.frozen_stages, range(-1, num_stages + 1), name='frozen_stages', owner=name)
        self.num_segments = num_segments
        self.pretrained = pretrained

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map ``(N*T, C, H, W)`` to the chosen stages' features: ``(N*T, C', H', W')`` each, T halved after a pooling.

        Raises:
            ValueError: If N*T is not a multiple of T, or the input is of another rank.
        """
        check_rank(x, '(N*T, C, H, W)', name=f'the input of {type(self).__name__}, which is for a Recognizer2D,')
        return super().forward(x)

    def _partial_bn(self) -> None:
        """Freeze all batch norms but the first; mmaction2, whose ``train`` calls this, overlooks synchronized ones.

        Those of non-local blocks are trained, as in mmaction2 and the official code: they start at zero, and would end
        there.
        """
        norms = [
            module
            for name, module in self.named_modules()
            if isinstance(module, _BatchNorm) and '.non_local_block.' not in name
        ]
        for norm in norms[1:]:
            norm.eval().requires_grad_(False)
