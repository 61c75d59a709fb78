"""Which weights do not fit a model, in words."""

from mmvidext.checkpoints.source import StateDict

__all__ = ['different_shapes']


def different_shapes(own: StateDict, weights: StateDict) -> list[str]:
    """Say which of ``weights`` have another shape than the tensors of the same names in a model, ``own``."""
    return [
        f'{name} is {tuple(weights[name].shape)} instead of {tuple(tensor.shape)}'
        for name, tensor in own.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
