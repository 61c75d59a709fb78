"""What every data preprocessor of clips asks of a batch."""

from collections.abc import Sequence

from torch import Tensor

__all__ = ['as_clips', 'refuse_batch_augments']


def as_clips(inputs: Sequence[Tensor]) -> list[Tensor]:
    """Return the inputs of a batch as clips ``(T, 3, H, W)``; an image ``(3, H, W)`` is a clip of one frame.

    Raises:
        ValueError: If an input is neither, or the clips differ in length.
    """
    clips = [_as_clip(one) for one in inputs]
    lengths = {len(clip) for clip in clips}
    if len(lengths) != 1:
        raise ValueError(
            f'all clips of a batch must have the same number of frames, but got {sorted(lengths)}: '
            'use one pipeline for the whole batch, or batch_size=1'
        )
    return clips


def _as_clip(one: Tensor) -> Tensor:
    clip = one.unsqueeze(0) if one.ndim == 3 else one
    if clip.ndim != 4 or clip.shape[1] != 3:
        raise ValueError(f'inputs must be a clip (T, 3, H, W) or an image (3, H, W), but got shape {tuple(one.shape)}')
    return clip


def refuse_batch_augments(batch_augments: list[dict] | None) -> None:
    """Raise if there are batch augmentations.

    Raises:
        ValueError: If there are: they mix images, not clips.
    """
    if batch_augments:
        raise ValueError(f'batch_augments must be empty, since they mix images and not clips, but got {batch_augments}')
