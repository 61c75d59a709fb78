"""Argument checks that the ops share."""

from torch import Tensor


def check_rank(tensor: Tensor, layout: str, *, name: str) -> None:
    """Raise unless ``tensor`` has as many dimensions as ``layout`` names.

    Args:
        tensor: The argument to check.
        layout: Its documented shape, for example ``'(N, C, H, W)'``.
        name: The argument's name, for the message.

    Raises:
        ValueError: If the number of dimensions differs.
    """
    expected = layout.count(',') + 1
    if tensor.ndim != expected:
        raise ValueError(f'{name} must be {layout}, {expected} dimensions, but its shape is {tuple(tensor.shape)}')


def check_segments(num_frames: int, num_segments: int) -> None:
    """Raise unless a batch of frames can be cut into clips.

    Args:
        num_frames: N*T, frames in the batch.
        num_segments: T, frames in a clip.

    Raises:
        ValueError: If T < 1, or N*T is no multiple of T.
    """
    if num_segments < 1:
        raise ValueError(f'num_segments must be at least 1, but is {num_segments}')
    if num_frames % num_segments:
        raise ValueError(
            f'x holds {num_frames} frames, which is no multiple of num_segments={num_segments}. The sampler must '
            "give every clip num_segments frames: in SampleFrames of the config's pipelines set num_clips=num_segments"
        )
