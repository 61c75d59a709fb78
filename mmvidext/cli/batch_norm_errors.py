"""What to change when a batch is too small for batch normalization, of which torch says only the shape."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from mmengine.dist import get_world_size

__all__ = ['naming_small_batches']

_TORCH_SAYS = 'Expected more than 1 value per channel when training'


@contextmanager
def naming_small_batches(runner: Any) -> Iterator[None]:
    """End the command with one line where batch normalization gets a single value per channel.

    Args:
        runner: What trains meanwhile.
    """
    try:
        yield
    except ValueError as error:
        text = str(error)
        if not text.startswith(_TORCH_SAYS):
            raise
        shape = text.partition('torch.Size(')[2].rstrip(')')
        raise click.ClickException(
            f'batch normalization cannot train on a single value per channel (its input was {shape}): '
            f'{_what_to_change(runner.train_dataloader)}'
        ) from error


def _what_to_change(loader: Any) -> str:
    size, count = getattr(loader.batch_sampler, 'batch_size', None), len(loader.dataset)
    if size == 1:
        return 'train_dataloader.batch_size is 1, set 2 or more'
    here = -(-count // get_world_size())
    if size and here % size == 1 and len(loader) > here // size:  # which drop_last=True would leave out
        return (
            f'the last batch of an epoch has one sample, as {count} samples go into batches of {size}: leave it out '
            'with --cfg-options +train_dataloader.drop_last=True, or choose another train_dataloader.batch_size'
        )
    return 'use larger batches (train_dataloader.batch_size) or larger crops'
