"""Batches whose random numbers follow from the seed and their place alone, and that can begin anywhere.

A worker process usually draws on from wherever its generators are, so that an augmentation depends on what the worker
did before: on the number of workers, on whether they are kept between epochs, and on when the run was resumed. Here
each sample is seeded by ``(seed, epoch, place)`` where the place is its number in the order of the epoch, counted over
all processes. (The index would not do: some samplers draw a sample twice in an epoch.)
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from inspect import signature
from typing import Any, NamedTuple

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_dist_info
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler, DataLoader, Dataset

from mmvidext.generators import restored_generators, seed_generators

__all__ = ['PlacedBatch', 'PlacedBatches', 'RemainingBatches', 'SeededDataset', 'seeded_loader', 'shield_workers']

# arguments of a loader
_REPLACED = {'dataset', 'collate_fn', 'generator'}
_ORDERING = {'sampler', 'batch_sampler', 'batch_size', 'shuffle', 'drop_last'}  # a batch sampler is in their place


class PlacedBatch(NamedTuple):
    """The samples of a batch, and where they stand."""

    epoch: int
    first: int  # the number of the first sample among those of this process in this epoch
    indices: list[Any]


class PlacedBatches:
    """A batch sampler that says where each batch stands, and can begin in the middle of an epoch.

    Args:
        batches: The batch sampler that decides on the order.
        endless: Begin the next epoch by itself, for a loop that counts iterations.

    Attributes:
        epoch: The epoch of the next pass.
        start: The batches of that pass that are left out; without ``endless`` set both before each pass.
    """

    def __init__(self, batches: Any, *, endless: bool) -> None:
        self.batches = batches
        self.sampler = getattr(batches, 'sampler', None)  # mmengine sets its epoch
        self.batch_size = getattr(batches, 'batch_size', None)
        self.endless = endless
        self.epoch = 0
        self.start = 0

    def __len__(self) -> int:
        """Return the number of batches of a whole epoch."""
        return len(self.batches)

    def __iter__(self) -> Iterator[PlacedBatch]:
        """Yield the batches from ``start`` on."""
        epoch, number = self.epoch, 0
        while True:
            first, before = 0, number
            for indices in self.batches:
                if number >= self.start:
                    yield PlacedBatch(epoch, first, indices)
                first += len(indices)
                number += 1
            if not self.endless or number == before:
                return
            epoch += 1
            set_epoch = getattr(self.sampler, 'set_epoch', None)
            if set_epoch is not None:
                set_epoch(epoch)


class SeededDataset(Dataset[Any]):
    """A data set that makes whole batches, each sample seeded by its place.

    It passes on every attribute of the data set, to read and to set.

    Args:
        dataset: The data set of the samples.
        collate: Makes a batch of a list of samples.
        seed: The number from which all random numbers of the samples follow.
    """

    _own = frozenset({'dataset', 'collate', 'seed', 'rank', 'world_size'})

    def __init__(self, dataset: Any, collate: Callable[[list[Any]], Any], *, seed: int) -> None:
        self.dataset = dataset
        self.collate = collate
        self.seed = seed
        self.rank, self.world_size = get_dist_info()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dataset)

    def __getitem__(self, index: Any) -> Any:
        """Return one sample as the data set gives it."""
        return self.dataset[index]

    def __getitems__(self, batch: PlacedBatch) -> Any:
        """Return a batch. The generators of this process are afterwards what they were before."""
        with restored_generators():
            samples = []
            for number, index in enumerate(batch.indices):
                place = (batch.first + number) * self.world_size + self.rank
                seed_generators(self.seed, batch.epoch, place)
                samples.append(self.dataset[index])
            return self.collate(samples)  # it may draw too: it goes on from the last sample's numbers

    def __getattr__(self, name: str) -> Any:
        """Pass on what the data set has."""
        if name.startswith('__') or name in self._own:  # not there yet while a worker unpickles this object
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set attributes of the data set, as hooks do that change its pipeline."""
        if name in self._own:
            object.__setattr__(self, name, value)
        else:
            setattr(self.dataset, name, value)


class RemainingBatches:
    """What mmengine's ``IterBasedTrainLoop`` draws from.

    When resumed, the loop first asks for every batch that it has trained on, to leave it out. Those are answered with
    None, and never loaded.
    """

    def __init__(self, loader: DataLoader[Any], start: int) -> None:
        self._loader = loader
        self._consumed = start
        self._iterator: Iterator[Any] | None = None

    def __iter__(self) -> 'RemainingBatches':
        """Return the iterator."""
        return self

    def __next__(self) -> Any:
        """Return the next batch."""
        if self._consumed > 0:
            self._consumed -= 1
            return None
        if self._iterator is None:
            self._iterator = iter(self._loader)
        return next(self._iterator)


def seeded_loader(loader: DataLoader[Any], cfg: dict[str, Any] | None, *, seed: int, endless: bool) -> DataLoader[Any]:
    """Return a loader equal to another one, over a :class:`SeededDataset` and :class:`PlacedBatches`.

    Args:
        loader: The one to replace.
        cfg: The config that it was built from, if known: a sampler that has begun is built again from it.
        seed: Of the order of the data, unless the config gives its sampler another one, and of each sample.
        endless: See :class:`PlacedBatches`.
    """
    batches = _fresh_batches(loader, cfg or {}, seed)
    kept = signature(DataLoader).parameters.keys() - _REPLACED - _ORDERING
    seeded: DataLoader[Any] = DataLoader(
        SeededDataset(loader.dataset, loader.collate_fn, seed=seed),
        batch_sampler=PlacedBatches(batches, endless=endless),  # type: ignore[arg-type] # any iterable will do
        collate_fn=_identity,
        **{name: getattr(loader, name) for name in kept},
        generator=torch.Generator().manual_seed(seed),  # or each pass would draw a number from the model's generator
    )
    shield_workers(seeded)
    return seeded


def _fresh_batches(loader: DataLoader[Any], cfg: dict[str, Any], seed: int) -> Any:
    """Return the batch sampler of a loader, at its beginning, with the given seed."""
    sampler: Any = getattr(loader.batch_sampler, 'sampler', loader.sampler)
    dataset = getattr(sampler, 'dataset', loader.dataset)
    if isinstance(cfg.get('sampler'), dict):
        sampler = DATA_SAMPLERS.build(dict(cfg['sampler']), default_args=dict(dataset=dataset, seed=seed))
    elif isinstance(sampler, InfiniteSampler):
        sampler = InfiniteSampler(dataset, sampler.shuffle, seed)
    elif hasattr(sampler, 'seed'):
        sampler.seed = seed
    if loader.batch_size is not None:
        return BatchSampler(sampler, loader.batch_size, loader.drop_last)
    if isinstance(cfg.get('batch_sampler'), dict):
        defaults = dict(sampler=sampler, batch_size=cfg.get('batch_size'))
        return DATA_SAMPLERS.build(dict(cfg['batch_sampler']), default_args=defaults)
    return loader.batch_sampler


def shield_workers(loader: DataLoader[Any]) -> None:
    """Keep signals that are sent to the whole run from the workers that a loader will start."""
    loader.worker_init_fn = partial(_init_worker, loader.worker_init_fn)


def _identity(batch: Any) -> Any:
    return batch


def _init_worker(init: Callable[[int], None] | None, worker_id: int) -> None:
    """Leave the process group: a signal to the whole run is for the main process, which still needs its workers."""
    if hasattr(os, 'setpgid'):  # not on Windows
        os.setpgid(0, 0)
    if init is not None:
        init(worker_id)
