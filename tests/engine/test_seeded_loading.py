"""Batches seeded by their place: the same from any worker, from any start, in any number of processes."""

import multiprocessing
import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler, pseudo_collate
from torch.utils.data import BatchSampler, DataLoader, Dataset

from mmvidext.engine.seeded_loading import PlacedBatch, PlacedBatches, RemainingBatches, SeededDataset, seeded_loader
from mmvidext.generators import capture_generators, restore_generators, seed_generators


class Drawing(Dataset):
    metainfo = {'classes': ('a',)}  # noqa: RUF012 - as in mmengine

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return index, random.random(), np.random.rand(), float(torch.rand(()))


def loader(sampler_type=DefaultSampler, workers=0, **options):
    data = Drawing()
    sampler = sampler_type(data, seed=5)
    original = DataLoader(data, batch_size=4, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate)
    return seeded_loader(original, None, **{'seed': 5, 'endless': False, **options})


def test_a_sample_depends_on_its_place_alone():
    whole = list(loader())
    assert len(whole) == len(loader()) == 3
    for start in range(4):
        rest = loader()
        rest.batch_sampler.start = start
        random.random()
        assert list(rest) == whole[start:]
    assert list(loader(workers=2)) == whole
    other = loader()
    other.batch_sampler.epoch = 1
    assert all(one != two for one, two in zip(list(other), whole, strict=True))


def test_the_other_arguments_of_a_loader_are_kept():
    given = dict(
        num_workers=2,
        pin_memory=False,
        timeout=7.0,
        multiprocessing_context='spawn',
        prefetch_factor=3,
        persistent_workers=True,
        pin_memory_device='cuda:1',
        in_order=False,
    )
    seeded = seeded_loader(DataLoader(Drawing(), batch_size=4, **given), None, seed=5, endless=False)
    found = {name: getattr(seeded, name) for name in given}
    assert found == {**given, 'multiprocessing_context': multiprocessing.get_context('spawn')}


def test_two_processes_draw_what_one_does():
    """Sample by sample, whichever process gets it."""
    one = SeededDataset(Drawing(), list, seed=5)
    samples = one.__getitems__(PlacedBatch(0, 0, [7, 3, 9, 1]))
    for rank in range(2):
        part = SeededDataset(Drawing(), list, seed=5)
        part.rank, part.world_size = rank, 2
        assert part.__getitems__(PlacedBatch(0, 0, [7, 3, 9, 1][rank::2])) == samples[rank::2]


def test_a_sample_drawn_twice_in_an_epoch_is_augmented_twice():
    first, second = SeededDataset(Drawing(), list, seed=5).__getitems__(PlacedBatch(0, 0, [2, 2]))
    assert first[0] == second[0]
    assert first[1:] != second[1:]


def test_the_main_process_keeps_its_generators():
    before = capture_generators()
    list(loader())
    after = capture_generators()
    assert before['python'] == after['python']
    assert torch.equal(before['torch'], after['torch'])
    assert torch.equal(before['numpy']['state']['key'], after['numpy']['state']['key'])


@pytest.mark.parametrize('sampler_type', [DefaultSampler, InfiniteSampler])
def test_an_endless_loader_goes_on_in_the_next_pass(sampler_type):
    """And the sampler begins at its beginning, although mmengine's loop has drawn from it already."""
    whole = RemainingBatches(loader(sampler_type, endless=True), 0)
    batches = [next(whole) for _ in range(8)]
    resumed_loader = loader(sampler_type, endless=True)
    resumed_loader.batch_sampler.start = 5
    resumed = RemainingBatches(resumed_loader, 5)
    assert [next(resumed) for _ in range(5)] == [None] * 5
    assert [next(resumed) for _ in range(3)] == batches[5:]


def test_an_empty_endless_sampler_ends():
    assert list(PlacedBatches(BatchSampler([], 4, False), endless=True)) == []


def test_attributes_are_those_of_the_data_set():
    data = Drawing()
    seeded = SeededDataset(data, pseudo_collate, seed=0)
    assert seeded.metainfo == data.metainfo
    seeded.pipeline = 'other'  # as hooks do that switch it
    assert data.pipeline == 'other'
    assert len(pickle.loads(pickle.dumps(seeded))) == 10
    with pytest.raises(AttributeError):
        _ = seeded.nothing


def test_generators_are_restored_and_keys_are_independent():
    def draw():
        return random.random(), np.random.rand(), np.random.randn(), float(torch.rand(()))

    seed_generators(1, 2, 3)
    first = draw()
    states = capture_generators()
    second = draw()
    restore_generators(states)
    assert draw() == second
    seed_generators(1, 2, 3)
    assert draw() == first
    for key in ((1, 2, 4), (1, 3, 2), (2, 1, 3), (1, 2)):
        seed_generators(*key)
        assert all(one != two for one, two in zip(draw(), first, strict=True))


def test_the_generator_of_a_cuda_device_is_kept_too(monkeypatch):
    """On a generator that stands in for that of the device."""
    device = torch.Generator().manual_seed(7)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'is_initialized', lambda: True)
    monkeypatch.setattr(torch.cuda, 'get_rng_state', device.get_state)
    monkeypatch.setattr(torch.cuda, 'set_rng_state', device.set_state)
    states = capture_generators()
    numbers = torch.rand(4, generator=device)
    seed_generators(1, 2, 3)  # a sample is seeded in between
    restore_generators(states)
    assert torch.equal(torch.rand(4, generator=device), numbers)
