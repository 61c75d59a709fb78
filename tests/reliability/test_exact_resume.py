"""A run that is killed with SIGKILL and resumed ends bitwise equal to the run that was not."""

import signal

import pytest
import torch

from tests.reliability.tiny_run import config, in_child, newest, train
from tools.chaos import differences, state

TWO_EPOCHS = dict(
    interval=4,
    train_cfg=dict(max_epochs=2),
    param_scheduler=[dict(type='CosineAnnealingLR', T_max=2, by_epoch=True, convert_to_iter_based=True)],
)
SHUFFLED = dict(type='DefaultSampler', shuffle=True)
CONCATENATED = dict(type='ConcatDataset', datasets=[dict(type='TinyDataset'), dict(type='TinyDataset')])

# options of the run, iterations at which it is killed; 6 are an epoch, and between two checkpoints by iteration
RUNS = {
    'by epoch': (dict(), [7, 13]),
    'by epoch, 2 workers': (dict(workers=2), [9]),
    'by epoch, 4 persistent workers': (dict(workers=4, persistent=True), [14]),
    'every 4 iterations, in the middle of an epoch': (dict(interval=4), [5, 11, 17]),
    'every 4 iterations, 2 persistent workers': (dict(interval=4, workers=2, persistent=True), [10]),
    'by iteration': (dict(by_epoch=False), [8, 15]),
    'by iteration, 2 workers': (dict(by_epoch=False, workers=2), [8]),
    'by iteration, finite sampler': (
        dict(by_epoch=False, train_dataloader=dict(sampler=SHUFFLED)),
        [8, 17],
    ),
    'accumulated gradients': (dict(interval=3, optim_wrapper=dict(accumulative_counts=4)), [4, 11]),
    'an optimizer that skips by itself': (
        dict(interval=4, optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01, fused=True))),
        [6, 17],
    ),
    'loss scale': (dict(interval=4, optim_wrapper=dict(type='ScaledOptimWrapper')), [6, 17]),
    'loss scale, accumulated gradients': (
        dict(by_epoch=False, interval=5, optim_wrapper=dict(type='ScaledOptimWrapper', accumulative_counts=3)),
        [7, 12],
    ),
    'repeated data set': (
        dict(
            interval=4,
            train_cfg=dict(max_epochs=1),
            train_dataloader=dict(dataset=dict(type='RepeatDataset', times=2, dataset=dict(type='TinyDataset'))),
        ),
        [9],
    ),
    'concatenated data sets, last batch incomplete': (
        dict(**TWO_EPOCHS, train_dataloader=dict(batch_size=5, dataset=CONCATENATED)),
        [7, 13],
    ),
    'balanced classes, order not filled up': (
        dict(
            **TWO_EPOCHS,
            workers=2,
            train_dataloader=dict(
                batch_size=5,
                sampler=dict(type='DefaultSampler', shuffle=True, round_up=False),
                dataset=dict(type='ClassBalancedDataset', oversample_thr=0.9, dataset=dict(type='TinyDataset')),
            ),
        ),
        [6, 9],
    ),
    "a user's batch sampler": (
        dict(**TWO_EPOCHS, train_dataloader=dict(batch_sampler=dict(type='GrowingBatches'))),
        [6, 11],
    ),
    'batches whose number follows from the order': (
        dict(**TWO_EPOCHS, train_dataloader=dict(batch_sampler=dict(type='BudgetBatches'))),
        [6, 10],
    ),
    'batches whose number is an estimate': (
        dict(**TWO_EPOCHS, train_dataloader=dict(batch_sampler=dict(type='BudgetBatches', length=9))),
        [10],
    ),
    "a user's batch sampler by iteration": (
        dict(by_epoch=False, train_dataloader=dict(sampler=SHUFFLED, batch_sampler=dict(type='GrowingBatches'))),
        [8],
    ),
    'by iteration, 3 batches in each epoch of an endless sampler': (
        dict(by_epoch=False, workers=2, train_dataloader=dict(batch_size=9)),
        [7, 16],
    ),
}


def kill_and_resume(work_dir, options, kills, **resume_options):
    """Kill a run once at each iteration; return its work directory when it has ended."""
    kills = [dict(at=kill) if isinstance(kill, int) else kill for kill in kills]
    for kill in [*kills, None]:
        last = newest(work_dir) if list(work_dir.glob('*.pth')) else None
        cfg = config(work_dir, **{**options, **(resume_options if last else {})})
        assert in_child(train, cfg, kill=kill, resume=last) == (-signal.SIGKILL if kill else 0)
    return work_dir


def assert_equal(one, other):
    assert list(differences(state(newest(one)), state(newest(other)))) == []


@pytest.mark.parametrize('name', RUNS)
def test_resumed_equals_uninterrupted(name, reference, tmp_path):
    options, kills = RUNS[name]
    assert_equal(kill_and_resume(tmp_path, options, kills), reference(**options))


def test_without_the_hook_the_same_runs_differ(tmp_path):
    """What stock mmengine does: the test above would notice."""
    options = dict(exact=False)
    assert in_child(train, config(tmp_path / 'a', **options)) == 0
    (tmp_path / 'b').mkdir()
    kill_and_resume(tmp_path / 'b', options, [7])
    weights = [torch.load(newest(tmp_path / name), map_location='cpu')['state_dict'] for name in 'ab']
    assert list(differences(*weights)) != []


def test_a_drawn_seed_is_kept(tmp_path):
    """Two runs without a seed differ; resuming one keeps its seed, its order and its augmentation."""
    options = dict(seed=None)
    assert in_child(train, config(tmp_path, **options), kill=dict(at=9)) == -signal.SIGKILL
    first = torch.load(newest(tmp_path))
    assert in_child(train, config(tmp_path, **options), resume=newest(tmp_path)) == 0
    seed = torch.load(newest(tmp_path))['meta']['seed']
    assert seed == first['meta']['seed']
    uninterrupted = tmp_path / 'again'
    assert in_child(train, config(uninterrupted, seed=seed)) == 0
    assert_equal(tmp_path, uninterrupted)


@pytest.mark.parametrize(
    ('options', 'kills'), [(dict(), [6, 12]), (dict(by_epoch=False), [6, 12]), (dict(interval=6), [18])]
)
def test_killed_in_a_validation(options, kills, reference, tmp_path):
    """The validation is made up for: its result is part of the best score and of early stopping."""
    kill_and_resume(tmp_path, options, [dict(in_val=kill) for kill in kills])
    assert_equal(tmp_path, reference(**options))
    best = [
        {path.name: state(path)['place'] for path in work_dir.glob('best_*.pth')}
        for work_dir in (tmp_path, reference(**options))
    ]
    assert best[0] == best[1] != {}


@pytest.mark.parametrize('options', [dict(), dict(interval=4), dict(by_epoch=False)])
def test_the_number_of_workers_may_change(options, reference, tmp_path):
    """0, 2 and 4 workers, persistent or not: the same numbers, and the run may resume with others."""
    kill_and_resume(tmp_path, dict(**options, workers=4, persistent=True), [9], workers=2, persistent=False)
    assert_equal(tmp_path, reference(**options))
