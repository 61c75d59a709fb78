"""What a run does not resume from, and what of a checkpoint never reaches it."""

import json
import os
import shutil
from types import SimpleNamespace

import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import TRANSFORMS
from mmengine.runner import Runner

from mmvidext.engine import ChannelsLastHook, ExactResumeHook, RunError
from mmvidext.engine.resume_checks import arithmetic_of, changed_arithmetic, confine
from mmvidext.engine.resume_point import check_whole
from tests.reliability.tiny_run import config, in_child, newest, train
from tools.chaos import differences, state


@pytest.fixture
def run_a(reference, tmp_path):
    """Return a copy of a finished run."""
    return shutil.copytree(reference(), tmp_path / 'run_a')


def outcome(cfg, resume, file):
    try:
        train(cfg, resume=resume)
    except RunError as error:
        file.write_text(str(error))
        os._exit(3)


def refusal(cfg, resume, tmp_path):
    """Return the line with which a run refuses to resume, or None."""
    code = in_child(outcome, cfg, resume, tmp_path / 'error.txt')
    assert code in (0, 3)
    return (tmp_path / 'error.txt').read_text() if code else None


def change(path, function):
    checkpoint = torch.load(path)
    function(checkpoint)
    torch.save(checkpoint, path)


def test_code_in_a_checkpoint_does_not_run(run_a, tmp_path):
    """mmengine parses ``meta.config`` as a Python config when it resumes; whoever wrote it decides what that does."""
    trap = tmp_path / 'trap'
    path = run_a / 'epoch_2.pth'
    change(path, lambda checkpoint: checkpoint['meta'].update(config=f'open({str(trap)!r}, "w").write("ran")'))
    assert in_child(train, config(tmp_path / 'stock', exact=False), resume=path) == 0
    assert trap.exists()
    trap.unlink()
    assert in_child(train, config(tmp_path / 'ours'), resume=path) == 0
    assert not trap.exists()


def test_nothing_outside_the_work_directory_is_removed(run_a, tmp_path):
    """Resuming a copy of another run's checkpoint, whose best score is then beaten."""
    victim = tmp_path / 'precious'
    victim.mkdir()
    path = run_a / 'epoch_2.pth'

    def lower(checkpoint):
        info = checkpoint['message_hub']['runtime_info']
        info.update(best_score=-1e9, best_ckpt=str(victim), last_ckpt=str(victim), keep_ckpt_ids=['../x', 1, 2])

    change(path, lower)
    before = sorted(run_a.iterdir())
    assert in_child(train, config(tmp_path / 'run_b'), resume=path) == 0
    assert sorted(run_a.iterdir()) == before
    assert victim.is_dir()
    assert [one.name for one in (tmp_path / 'run_b').glob('best_*.pth')] == ['best_score_epoch_3.pth']
    assert in_child(train, config(tmp_path / 'stock', exact=False), resume=path) == 0
    assert not victim.exists()  # what mmengine does: a whole folder is gone


def test_paths_of_another_directory_are_forgotten(tmp_path):
    """Whatever a hook does with the paths in a checkpoint, they are of the run's own directory."""
    (tmp_path / 'other').mkdir()
    (tmp_path / 'own').mkdir()
    for place in ('other/best.pth', 'other/last.pth', 'own/last.pth'):
        (tmp_path / place).touch()
    info = dict(
        best_ckpt=str(tmp_path / 'other' / 'best.pth'),
        best_ckpt_acc=str(tmp_path / 'own' / '..' / 'other'),
        last_ckpt=str(tmp_path / 'other' / 'last.pth'),
        keep_ckpt_ids=[1, '../x', 2],
    )
    confine(dict(message_hub=dict(runtime_info=info)), tmp_path / 'own')
    assert info == dict(last_ckpt=str(tmp_path / 'own' / 'last.pth'), keep_ckpt_ids=[1, 2])


def test_a_moved_work_directory_goes_on(reference, tmp_path):
    options = dict(work_dir=None)
    del options['work_dir']
    assert in_child(train, config(tmp_path / 'old'), kill=dict(at=13)) < 0
    (tmp_path / 'old').rename(tmp_path / 'new')
    assert in_child(train, config(tmp_path / 'new'), resume=newest(tmp_path / 'new')) == 0
    assert list(differences(state(newest(tmp_path / 'new')), state(newest(reference())))) == []
    best = [{one.name for one in work_dir.glob('best_*.pth')} for work_dir in (tmp_path / 'new', reference())]
    assert best[0] == best[1]


def scheduler(**settings):
    return [dict(type='OneCycleLR', eta_max=0.02, by_epoch=False, **settings)]


def steps(milestones, **settings):
    return [dict(type='MultiStepLR', milestones=milestones, **settings)]


def plateau(**settings):
    """Lower the rate at each validation but the first: none is better by 10."""
    settings = dict(rule='greater', threshold_rule='abs', threshold=10.0, patience=0) | settings
    return [dict(type='ReduceOnPlateauLR', monitor='score', **settings)]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (
            dict(param_scheduler=[*scheduler(total_steps=30), dict(type='MultiStepLR', milestones=[2])]),
            r'total_steps of OneCycleLR is 30 here and 18 in the checkpoint: resume with the schedule',
        ),
        (
            dict(param_scheduler=[*scheduler(total_steps=18), *steps([1, 2], by_epoch=True)]),
            r'milestones of MultiStepLR is \[1, 2\] here and \[2\] in the checkpoint: resume with the schedule',
        ),
        (dict(param_scheduler=scheduler(total_steps=18)), r'has 2 param_schedulers, and the config 1'),
        (
            dict(optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01))),
            r'of another optimizer than SGD, with betas, eps, amsgrad: resume with the optimizer that',
        ),
        (
            dict(optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.01, weight_decay=0.01))),
            r'epoch_2.pth: this checkpoint is of AdamW, and the config has Adam: resume with the optimizer that',
        ),
        (
            dict(
                optim_wrapper=dict(
                    optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.1), paramwise_cfg=dict(norm_decay_mult=0.0)
                )
            ),
            r'the AdamW of the config has 6 groups of parameters with 6 in all, that of this checkpoint 1 with 6',
        ),
        (
            dict(custom_hooks=[dict(type='mmvidext.ExactResumeHook')]),
            'of a run with EMAHook, and its weights',
        ),
        (dict(model=dict(width=16)), r'of another model than that of the config: layers.0.weight is \(8, 4\) instead'),
        (
            dict(train_dataloader=dict(dataset=dict(type='TinyDataset', metainfo=dict(classes=('a', 'c', 'd', 'e'))))),
            "of other classes: class 1 is 'b' there and 'c' here",
        ),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(options, message, run_a, tmp_path):
    import re

    error = refusal(config(tmp_path / 'run_b', **options), run_a / 'epoch_2.pth', tmp_path)
    assert error is not None
    assert re.search(message, error), error
    assert '\n' not in error


@pytest.mark.parametrize(
    ('options', 'length', 'drops'),
    [
        (dict(param_scheduler=steps([2, 3, 4], by_epoch=True)), dict(max_epochs=5), 3),
        (dict(param_scheduler=steps([2, 3, 4], by_epoch=True, end=4)), dict(max_epochs=5), 2),
        (dict(param_scheduler=steps([1, 3], by_epoch=True, convert_to_iter_based=True)), dict(max_epochs=5), 2),
        (dict(param_scheduler=steps([5, 18, 20], by_epoch=False), by_epoch=False), dict(max_iters=24), 3),
        (dict(param_scheduler=plateau()), dict(max_epochs=5), 3),
        (dict(param_scheduler=plateau(cooldown=1)), dict(max_epochs=5), 2),
        (dict(param_scheduler=plateau(), by_epoch=False), dict(max_iters=24), 3),
    ],
)
def test_a_longer_run_with_the_same_schedule_is_not_refused(options, length, drops, tmp_path):
    """Steps at fixed times do not depend on the length: it is equal to a run that was as long from the beginning."""
    assert in_child(train, config(tmp_path / 'a', **options)) == 0
    longer = dict(**options, train_cfg=length)
    assert refusal(config(tmp_path / 'a', **longer), newest(tmp_path / 'a'), tmp_path) is None
    assert in_child(train, config(tmp_path / 'b', **longer)) == 0
    ends = [state(newest(tmp_path / name)) for name in 'ab']
    assert list(differences(*ends)) == []
    assert ends[0]['optimizer']['param_groups'][0]['lr'] == pytest.approx(0.01 * 0.1**drops)


def test_a_validation_at_the_end_of_the_shorter_run_alone_lowers_no_rate(tmp_path):
    """Every second epoch is validated, and the last one: the third, which the longer run would not have validated."""
    options = dict(param_scheduler=plateau(), train_cfg=dict(val_interval=2))
    longer = dict(options, train_cfg=dict(val_interval=2, max_epochs=6))
    assert in_child(train, config(tmp_path / 'a', **options)) == 0
    assert refusal(config(tmp_path / 'a', **longer), newest(tmp_path / 'a'), tmp_path) is None
    assert in_child(train, config(tmp_path / 'b', **longer)) == 0
    rates = [state(newest(tmp_path / name))['scalars']['train/lr'][0] for name in 'ab']
    assert list(differences(*rates)) == []
    assert rates[0].tolist()[-1] == pytest.approx(0.001)  # the validations after 2 and 4 epochs


def test_weights_are_no_state_to_resume_from(run_a, tmp_path):
    """``best_*`` has no optimizer and no schedule, and bare weights have no position either."""
    best = next(run_a.glob('best_*.pth'))
    error = refusal(config(tmp_path / 'run_b'), best, tmp_path)
    assert error is not None
    assert 'has no optimizer: it is weights, such as those of best_*' in error
    bare = tmp_path / 'bare.pth'
    torch.save(torch.load(best)['state_dict'], bare)
    error = refusal(config(tmp_path / 'run_b'), bare, tmp_path)
    assert error is not None
    assert 'this checkpoint has no meta' in error


def meta(**values):
    return lambda checkpoint: checkpoint['meta'].update(values)


def hub(**values):
    return lambda checkpoint: checkpoint['message_hub'].update(values)


def part(**values):
    return lambda checkpoint: checkpoint.update(values)


def without_ids(checkpoint):
    checkpoint['message_hub']['runtime_info'].update(keep_ckpt_ids=5, last_ckpt='x')


def groups(*groups, state=()):
    return part(optimizer=dict(param_groups=list(groups), state=dict(state)))


def optimizer(number=0, **values):
    return lambda checkpoint: checkpoint['optimizer']['state'][number].update(values)


def setting(**values):
    return lambda checkpoint: checkpoint['optimizer']['param_groups'][0].update(values)


def exact(**values):
    return lambda checkpoint: checkpoint['exact_resume'].update(values)


def rank(**values):
    return lambda checkpoint: checkpoint['exact_resume']['ranks'][0].update(values)


def generators(**values):
    return lambda checkpoint: checkpoint['exact_resume']['ranks'][0]['generators'].update(values)


def numpy_state(**values):
    return lambda checkpoint: checkpoint['exact_resume']['ranks'][0]['generators']['numpy']['state'].update(values)


def average(**values):
    return lambda checkpoint: checkpoint['ema_state_dict'].update({f'module.{key}': one for key, one in values.items()})


def without_record(checkpoint):
    """Make it one of an older version."""
    del checkpoint['exact_resume']['optimizers'], checkpoint['exact_resume']['consumed']
    del checkpoint['exact_resume']['ranks'][0]['counts']


CRAFTED = {
    'iter': (meta(iter=-5), 'damaged: it is of epoch 2, iteration -5'),
    'epoch': (meta(epoch=10**12), f'is of {10**12} epochs, and the run ends after 3: give a larger max_epochs'),
    'seed': (meta(seed='x'), "damaged: its seed is 'x'"),
    'classes': (meta(dataset_meta=dict(classes=5)), 'the classes in its dataset_meta are 5, not a list of names'),
    'dataset_meta': (meta(dataset_meta=7), 'its dataset_meta is 7, not a dictionary'),
    'resumed_keys': (hub(resumed_keys=[]), 'damaged: the resumed_keys of its message_hub are []'),
    'log_scalars': (part(message_hub=dict(a=1)), 'damaged: the log_scalars of its message_hub are None'),
    'optimizer': (part(optimizer=dict(state=5, param_groups=7)), 'no state of the optimizer AdamW'),
    'groups': (groups(), 'no state of the optimizer AdamW'),
    'parameters': (groups(dict(params=[[]] * 6)), 'no state of the optimizer AdamW'),
    'state': (groups(dict(params=list(range(6))), state={0: 5}), 'no state of the optimizer AdamW'),
    'schedulers': (part(param_schedulers=[5, 5]), 'damaged: it has no state of OneCycleLR'),
    'scheduler': (part(param_schedulers=[dict(end='x'), {}]), 'damaged: it has no state of OneCycleLR'),
    'state_dict': (part(state_dict=5), 'this checkpoint has no state_dict'),
    'model': (part(state_dict={3: torch.zeros(1)}), 'of another model than that of the config'),
    'weight': (lambda checkpoint: checkpoint['state_dict'].update({'layers.0.bias': 5}), 'bias is no tensor instead'),
    'average': (part(ema_state_dict=5), 'damaged: its ema_state_dict is 5'),
    'averaged': (average(**{'layers.0.bias': torch.zeros(3)}), 'layers.0.bias is (3,) instead of (8,)'),
    'moment': (optimizer(exp_avg='x'), "damaged: exp_avg of its AdamW is 'x' instead of a tensor of shape (8, 4)"),
    'shape': (optimizer(1, exp_avg_sq=torch.zeros(3)), 'exp_avg_sq of its AdamW is a tensor of shape (3,) instead of'),
    'absent': (lambda checkpoint: checkpoint['optimizer']['state'][2].pop('exp_avg'), 'exp_avg of its AdamW is None'),
    'complex': (optimizer(exp_avg=torch.zeros(8, 4).cfloat()), 'exp_avg of its AdamW is a tensor'),
    'amsgrad': (setting(amsgrad=True), 'max_exp_avg_sq of its AdamW is None'),
    'step': (optimizer(step=torch.tensor(-1.0)), 'step of its AdamW is a tensor of shape ()'),
    'steps': (optimizer(step=torch.zeros(2)), 'step of its AdamW is a tensor of shape (2,)'),
    'rate': (setting(lr='x'), "lr of its AdamW is 'x'"),
    'betas': (setting(betas=0.9), 'betas of its AdamW is 0.9'),
    'beta': (setting(betas=(0.9, 0.9, 0.9)), 'betas of its AdamW is (0.9, 0.9, 0.9)'),
    'base': (lambda checkpoint: checkpoint['optimizer'].update(base_param_settings=5), 'lr of its AdamW is None'),
    'exact_resume': (part(exact_resume=5), 'damaged: ranks of its exact_resume is None'),
    'ranks': (exact(ranks=[]), 'damaged: ranks of its exact_resume is []'),
    'batches': (exact(batches='x'), "batches of its exact_resume is 'x'"),
    'batch_size': (exact(batch_size=0), 'batch_size of its exact_resume is 0'),
    'consumed': (exact(consumed=-1), 'consumed of its exact_resume is -1'),
    'samples': (exact(samples=None), 'samples of its exact_resume is None'),
    'data': (exact(data=5), 'data of its exact_resume is 5'),
    'arithmetic': (exact(arithmetic=[1]), 'arithmetic of its exact_resume is [1]'),
    'pipeline': (exact(pipeline=5), 'pipeline of its exact_resume is 5'),
    'validated': (exact(validated=None), 'validated of its exact_resume is None'),
    'early_stopping': (exact(early_stopping=[{}]), 'early_stopping of its exact_resume is [{}]'),
    'stop_training': (exact(stop_training=torch.zeros(2)), 'stop_training of its exact_resume is tensor'),
    'optimizers': (exact(optimizers={'': 5}), "the optimizers of its exact_resume are {'': 5}"),
    'rank': (exact(ranks=[5]), 'process 0 of its exact_resume has no states of generators'),
    'python': (generators(python=(3, (1, 2), None)), 'has no states of generators: state vector is the wrong size'),
    'gauss': (generators(python=(3, (0,) * 625, 'x')), "has no states of generators: 'x' is not the next number"),
    'numpy': (numpy_state(pos=10**6), 'has no states of generators: position 1000000 of 624'),
    'key': (numpy_state(key=torch.zeros(3)), 'has no states of generators'),
    'torch': (generators(torch=torch.zeros(5056, dtype=torch.uint8)), 'has no states of generators'),
    'gradients': (rank(gradients=[1, 2]), 'has gradients [1, 2]'),
    'gradient': (rank(gradients=[torch.zeros(2)] * 6), 'has a gradient torch.float32 (2,) for a parameter'),
    'gradient_type': (rank(gradients=[torch.zeros(8, 4).int()] * 6), 'has a gradient torch.int32 (8, 4) for'),
    'counts': (rank(counts=['x']), "has counts ['x']"),
    'fewer_counts': (rank(counts=[]), 'has counts []'),
    'buffers': (rank(buffers=[]), 'has buffers []'),
    'buffer': (rank(buffers={'layers.1.running_mean': 'x'}), "has a buffer layers.1.running_mean 'x' instead of"),
    'older': (without_record, None),
    'ids': (without_ids, None),
}


def outcomes(cfg, path, file):
    runner, found = Runner.from_cfg(Config(cfg)), {}
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    runner._resume, runner._load_from = True, str(path)
    for name, (function, _) in CRAFTED.items():
        checkpoint = torch.load(path)
        function(checkpoint)
        try:
            ExactResumeHook().after_load_checkpoint(runner, checkpoint)
        except Exception as error:
            found[name] = f'{type(error).__name__}: {error}'
    file.write_text(json.dumps(found))


def test_a_checkpoint_whose_parts_are_of_other_kinds_is_one_line(run_a, tmp_path):
    assert in_child(outcomes, config(tmp_path / 'run_b'), run_a / 'epoch_2.pth', tmp_path / 'found.json') == 0
    found = json.loads((tmp_path / 'found.json').read_text())
    for name, (_, message) in CRAFTED.items():
        text = found.get(name)
        begin = f'RunError: {run_a}/epoch_2.pth: this checkpoint '
        assert (text is None) if message is None else text.startswith(begin), (name, text)
        assert message is None or (message in text and '\n' not in text), (name, text)


def test_the_middle_of_an_epoch_of_other_batches_is_refused(tmp_path):
    options = dict(interval=4)
    assert in_child(train, config(tmp_path, **options), kill=dict(at=10)) < 0
    other = dict(train_dataloader=dict(batch_size=6))
    error = refusal(config(tmp_path, **options, **other), newest(tmp_path), tmp_path)
    assert error is not None
    assert error.startswith('4 batches of an epoch instead of 6, 6 samples of a batch instead of 4: this checkpoint is')


def test_more_data_in_as_many_batches_is_noticed(tmp_path):
    """The order of the samples is then another one."""

    def options(samples):
        dataset = dict(type='TinyDataset', indices=samples)
        return dict(interval=4, train_dataloader=dict(drop_last=True, dataset=dataset))

    assert in_child(train, config(tmp_path, **options(20)), kill=dict(at=9)) < 0
    error = refusal(config(tmp_path, **options(23)), newest(tmp_path), tmp_path)
    assert error is not None
    assert error.startswith(
        '23 samples of the data set instead of 20, other training data (samples, labels or their order)'
    )
    error = refusal(config(tmp_path, **options(list(range(19, -1, -1)))), newest(tmp_path), tmp_path)
    assert error is not None
    assert error.startswith('other training data (samples, labels or their order): this checkpoint is')


@TRANSFORMS.register_module()
class DoNothing(BaseTransform):
    def transform(self, results):
        return results


def test_what_changed_and_does_not_end_the_run_is_named(run_a, tmp_path):
    cfg = config(
        tmp_path / 'b',
        seed=77,
        log_level='WARNING',
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.5, foreach=False)),
        train_dataloader=dict(
            dataset=dict(type='TinyDataset', indices=list(range(23, -1, -1)), pipeline=[dict(type='DoNothing')])
        ),
    )
    assert in_child(train, cfg, resume=run_a / 'epoch_2.pth') == 0
    (log,) = (tmp_path / 'b').glob('*/*.log')
    text = log.read_text()
    for change in (
        'weight_decay of AdamW is 0.5 here and 0.01 in the checkpoint, which is used',
        'randomness.seed is 77 here and 3 in the checkpoint, which is used',
        'other training data (samples, labels or their order): the run resumes, but not as if',
        "the pipeline of train_dataloader is not that of the checkpoint: {'type': 'DoNothing'} instead of no step",
    ):
        assert change in text
    assert text.count(' here and ') == 2  # a schedule changes lr, and foreach no value


def test_a_run_that_did_not_change_resumes_without_a_word(run_a, tmp_path):
    cfg = config(tmp_path / 'b', log_level='WARNING')
    assert in_child(train, cfg, resume=run_a / 'epoch_2.pth') == 0
    (log,) = (tmp_path / 'b').glob('*/*.log')
    assert 'checkpoint' not in log.read_text()


def test_the_hook_named_twice_is_refused(tmp_path):
    cfg = config(tmp_path / 'run')
    cfg['custom_hooks'].append(dict(type='mmvidext.ExactResumeHook'))
    error = refusal(cfg, None, tmp_path)
    assert error == 'ExactResumeHook stands twice in custom_hooks or default_hooks: take one out'


def test_a_stock_checkpoint_resumes_as_in_mmengine(tmp_path):
    assert in_child(train, config(tmp_path, exact=False), kill=dict(at=8)) < 0
    assert in_child(train, config(tmp_path), resume=newest(tmp_path)) == 0
    assert torch.load(newest(tmp_path))['meta'] | dict(iter=18, epoch=3) == torch.load(newest(tmp_path))['meta']


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.system, (f'touch {tmp_path}/ran',)

    torch.save(dict(state_dict=dict(weight=torch.zeros(1)), meta=Trap()), tmp_path / 'epoch_1.pth')
    with pytest.raises(RunError, match=r'epoch_1.pth holds more than tensors.*it was refused'):
        check_whole(tmp_path / 'epoch_1.pth')
    with pytest.raises(RunError, match='there is no checkpoint'):
        check_whole(tmp_path / 'epoch_2.pth')
    with pytest.raises(RunError, match='is not a regular file'):
        check_whole(tmp_path)
    assert not (tmp_path / 'ran').exists()


def test_another_arithmetic_is_named(run_a, tmp_path):
    cfg = config(run_a, log_level='WARNING')
    cfg['custom_hooks'].append(dict(type='mmvidext.ChannelsLastHook'))
    assert in_child(train, cfg, resume=run_a / 'epoch_2.pth') == 0
    logs = [path.read_text() for path in run_a.glob('*/*.log')]
    assert (
        sum(log.count('--channels-last is True instead of False: the run resumes, but not as if') for log in logs) == 1
    )


def test_settings_that_change_the_arithmetic(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)  # which mmengine's wrapper asks for
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    amp = AmpOptimWrapper(optimizer=optimizer, dtype='bfloat16', loss_scale=dict(enabled=False))
    plain, anew = torch.nn.Module(), torch.nn.Module()
    anew.with_cp = True
    before = SimpleNamespace(model=plain, optim_wrapper=OptimWrapper(optimizer), hooks=[], cfg={})
    hooks, cfg = [ChannelsLastHook()], dict(compile=True, activation_checkpointing=['backbone.layer3'])
    other = arithmetic_of(SimpleNamespace(model=anew, optim_wrapper=amp, hooks=hooks, cfg=cfg))
    assert changed_arithmetic(other, arithmetic_of(before)) == [
        '--channels-last is True instead of False',
        '--amp is torch.bfloat16 instead of False',
        '--compile is True instead of False',
        "activation_checkpointing is ['backbone.layer3'] instead of None",
        'with_cp is True instead of False',
    ]
    assert changed_arithmetic(other, other) == changed_arithmetic(other, {}) == []  # older checkpoints have none
