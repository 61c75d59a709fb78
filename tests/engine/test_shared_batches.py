import pickle
import sys
from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import DataLoader

from mmvidext.engine.shared_batches import ShareBatchesHook, share_batches


class Samples(torch.utils.data.Dataset):
    def __init__(self, extra=None):
        self.extra = extra

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return dict(inputs=torch.full((2, 3), index), names=[f'sample {index}'], extra=self.extra)


def load(workers, extra=None):
    loader = DataLoader(Samples(extra), batch_size=2, collate_fn=list, num_workers=workers, timeout=20 * bool(workers))
    share_batches(loader)
    share_batches(loader)
    return list(loader)


@pytest.mark.parametrize('workers', [0, 2])
def test_batches_are_what_they_were(workers):
    samples = [sample for batch in load(workers) for sample in batch]
    assert [sample['names'] for sample in samples] == [[f'sample {index}'] for index in range(4)]
    for index, sample in enumerate(samples):
        assert torch.equal(sample['inputs'], torch.full((2, 3), index))
        assert sample['inputs'].is_shared() == bool(workers)


def test_the_loaders_of_another_runner_are_changed_too():
    loops = [SimpleNamespace(dataloader=DataLoader(Samples(), collate_fn=list)) for _ in range(2)]
    ShareBatchesHook().before_train(SimpleNamespace(train_loop=loops[0], val_loop=None))
    ShareBatchesHook().before_test(SimpleNamespace(test_loop=loops[1]))
    assert all(loop.dataloader.collate_fn.func.__module__ == share_batches.__module__ for loop in loops)


def test_a_batch_that_cannot_be_pickled_is_an_error():
    """The queue's thread would print it, and the main process would wait."""
    with pytest.raises((pickle.PicklingError, AttributeError), match='lambda'):
        load(1, extra=lambda: None)


def test_a_tensor_with_a_gradient_function_is_an_error():
    """The queue would refuse it, in its thread."""
    with pytest.raises(RuntimeError, match='gradient function, which the queue refuses: detach it'):
        load(1, extra=torch.ones(2, requires_grad=True) * 2)


@pytest.mark.skipif(sys.platform != 'linux', reason='looks at the limits of a process')
def test_more_files_than_usual_may_be_open():
    """Twice 400 tensors on their way are more than 1,024 files."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limits[1]))
    try:
        batches = load(2, extra=[torch.zeros(1) for _ in range(200)])
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 1024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert [len(batch) for batch in batches] == [2, 2]
