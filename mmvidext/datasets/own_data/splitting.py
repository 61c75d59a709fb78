"""Divide clips into training and validation: whole recordings, and each class in proportion."""

import random
from collections import Counter
from collections.abc import Sequence

__all__ = ['split_by_recording']


def split_by_recording(
    labels: Sequence[Sequence[int]], recordings: Sequence[str], *, ratio: float = 0.2, seed: int = 0
) -> list[bool]:
    """Choose the clips for validation.

    The largest recordings come first; one goes to validation if that brings the classes nearer to their share, and
    leaves each of its classes something to train on. Then every class without validation gets its smallest recording
    there, if it has two.

    Args:
        labels: Classes of each clip: one, or, for a video of several, all of them.
        recordings: What each clip was cut from.
        ratio: The share of each class for validation.
        seed: Of the order among recordings of one size.

    Returns:
        For each clip whether it is for validation.

    Raises:
        ValueError: If the ratio is not in (0, 1).
    """
    if not 0 < ratio < 1:
        raise ValueError(f'the share for validation must be between 0 and 1, but is {ratio}')
    total: Counter[int] = Counter(label for clip in labels for label in clip)
    target = {label: max(1.0, ratio * count) for label, count in total.items()}
    groups: dict[str, Counter[int]] = {}
    for clip, recording in zip(labels, recordings, strict=True):
        groups.setdefault(recording, Counter()).update(clip)
    order = sorted(groups)
    random.Random(seed).shuffle(order)
    order.sort(key=lambda name: -groups[name].total())
    chosen: set[str] = set()
    held: Counter[int] = Counter()

    def leaves_training(group: Counter[int]) -> bool:
        return all(held[label] + count < total[label] for label, count in group.items())

    def take(name: str) -> None:
        chosen.add(name)
        held.update(groups[name])

    for name in order:
        group = groups[name]
        before = sum(abs(target[label] - held[label]) for label in group)
        after = sum(abs(target[label] - held[label] - count) for label, count in group.items())
        if after < before and leaves_training(group):
            take(name)
    for label in sorted(total):
        if not held[label]:
            fitting = [name for name in reversed(order) if groups[name][label] and leaves_training(groups[name])]
            if fitting:
                take(fitting[0])
    return [recording in chosen for recording in recordings]
