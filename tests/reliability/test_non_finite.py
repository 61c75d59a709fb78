"""A NaN or an infinity in training is named, and leaves nothing behind."""

import copy
import logging
import math
import os
import socket
from contextlib import contextmanager, nullcontext

import pytest
import torch
import torch.multiprocessing as mp
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import nn
from torch._dynamo.utils import counters
from torch.utils.data import Dataset

from mmvidext.engine import NonFiniteHook, RunError, non_finite_hook
from mmvidext.engine.finite import any_rank_not_finite, names_not_finite
from mmvidext.engine.non_finite_cause import ForwardCall, find_cause
from mmvidext.generators import capture_generators
from tests.reliability.tiny_run import DEVICE, local_rank, process_context

NAN, INF = math.nan, math.inf


SGD = dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.01)


class TinyNet(BaseModel):
    """Convolution, batch normalization, dropout and two loss terms; ``marks`` of a sample spoil one of them."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.dropout = nn.Dropout(0.0)
        self.fc = nn.Linear(4, 2)

    def forward(self, inputs, data_samples, mode='tensor'):
        if mode == 'predict':
            return data_samples
        scores = self.fc(self.dropout(self.stem(torch.stack(list(inputs))).mean((2, 3))))
        marks = [sample.metainfo['mark'] for sample in data_samples]
        extra = scores.abs().sum() * 0.01
        if 'loss' in marks:
            extra = extra + NAN
        if 'gradient' in marks:  # sqrt at zero: a finite value with an infinite slope
            extra = extra + (scores - scores.detach()).abs().sum().add(0).sqrt()
        return dict(loss_cls=scores.logsumexp(1).mean(), loss_extra=extra, accuracy=scores.new_tensor(NAN))


class Batches(Dataset):
    """Random images; ``marks`` says which sample is spoiled, and how."""

    def __init__(self, marks):
        generator = torch.Generator().manual_seed(1)
        self.samples = []
        self.metainfo = {}
        good = 0
        images = torch.randn(64, 3, 6, 6, generator=generator)
        for number, mark in enumerate(marks):
            for place in range(2):
                image = images[good % 64].clone()
                mine = mark if place == 1 else None
                good += mark in (None, 'other')  # a run without the spoiled batches sees the same good ones
                if mine == 'image':
                    image[0, 2, 2] = NAN
                if mark == 'other':
                    image *= 2
                sample = BaseDataElement(metainfo=dict(filename=f'videos/{number}_{place}.webm', mark=mine))
                self.samples.append(dict(inputs=image, data_samples=sample))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return copy.deepcopy(self.samples[index])


@OPTIM_WRAPPERS.register_module()
class ShortAmpWrapper(OptimWrapper):
    """mmengine's AmpOptimWrapper in short, which needs a GPU; this one does not: autocast, and a loss scaler."""

    def __init__(self, dtype, init_scale=2.0**8, **kwargs):
        super().__init__(**kwargs)
        self.dtype = getattr(torch, dtype)
        self.loss_scaler = torch.amp.GradScaler(DEVICE, init_scale=init_scale, enabled=dtype == 'float16')

    def backward(self, loss, **kwargs):
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs):
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update()

    @contextmanager
    def optim_context(self, model):
        with super().optim_context(model), torch.autocast(DEVICE, self.dtype):
            yield


class Spoil(Hook):
    """Write a NaN into a weight before an iteration."""

    def __init__(self, iteration):
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == self.iteration:
            with torch.no_grad():
                runner.model.fc.weight[0, 0] = NAN


def train(
    folder,
    marks,
    *,
    model=TinyNet,
    wrapper=None,
    optimizer=None,
    hook=None,
    hooks=(),
    interval=100,
    per_loader=2,
    is_distributed=False,
    save_best=None,
    **validation,
):
    """Train on one epoch of batches, and return the runner."""
    torch.manual_seed(0)
    runner = Runner(
        MMDistributedDataParallel(model()) if is_distributed else model(),
        str(folder),
        train_dataloader=dict(
            dataset=Batches(marks),
            sampler=dict(type='DefaultSampler', shuffle=False),
            batch_size=per_loader,
            num_workers=0,
        ),
        train_cfg=dict(by_epoch=False, max_iters=len(marks), val_interval=len(marks)),
        optim_wrapper=dict(optimizer=optimizer or SGD, **(wrapper or {})),
        default_hooks=dict(
            non_finite=NonFiniteHook(max_in_a_row=3) if hook is None else hook,
            checkpoint=dict(
                type='CheckpointHook', by_epoch=False, interval=interval, save_best=save_best, rule='greater'
            ),
        ),
        custom_hooks=list(hooks),
        default_scope='mmengine',
        randomness=dict(seed=0),
        log_level='WARNING',
        experiment_name=str(folder),
        cfg=Config(),
        **validation,
    )
    runner.train()
    return runner


def state_of(runner, *, buffers=True):
    model = runner.model.module if hasattr(runner.model, 'module') else runner.model
    optimizer = [tensor for state in runner.optim_wrapper.optimizer.state.values() for tensor in state.values()]
    weights = model.state_dict().values() if buffers else model.parameters()
    tensors = [*weights, *(tensor for tensor in optimizer if torch.is_tensor(tensor))]
    return [tensor.detach().clone() for tensor in tensors]


def assert_same(first, second):
    assert len(first) == len(second)
    assert all(torch.equal(a.cpu(), b.cpu()) for a, b in zip(first, second, strict=True))


@pytest.fixture
def warnings():
    """The warnings of the runs of this test."""
    lines = []

    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    class KeepWarnings(Hook):
        def before_train(self, runner):
            runner.logger.addHandler(Keep(logging.WARNING))

    lines_hook = KeepWarnings()
    return lines, lines_hook


OPTIMIZERS = [
    SGD,
    dict(SGD, fused=True),
    dict(type='AdamW', lr=0.01),
    dict(type='AdamW', lr=0.01, fused=True),
    dict(type='RMSprop', lr=0.01, momentum=0.9),
    dict(type='Adam', lr=0.01, amsgrad=True, foreach=True),
]


@pytest.mark.parametrize('mark', ['image', 'loss', 'gradient'])
@pytest.mark.parametrize('optimizer', OPTIMIZERS, ids=lambda optimizer: '-'.join(map(str, optimizer.values())))
def test_the_weights_are_as_if_the_batch_had_not_been_there(tmp_path, mark, optimizer):
    """Also where the first batch of all is spoiled."""
    spoiled = train(tmp_path / 'spoiled', [mark, None, None, mark, None, None], optimizer=optimizer)
    clean = train(tmp_path / 'clean', [None] * 4, optimizer=optimizer)
    assert_same(state_of(spoiled), state_of(clean))
    assert spoiled.message_hub.get_info('skipped_updates') == 2


def test_without_the_hook_the_weights_are_lost(tmp_path):
    runner = train(tmp_path / 'run', [None, 'image', None], hook=dict(type='IterTimerHook'))
    assert not all(tensor.isfinite().all() for tensor in state_of(runner))


def test_a_clean_run_is_bitwise_the_same_with_the_hook(tmp_path):
    with_hook = train(tmp_path / 'with', [None] * 4)
    without = train(tmp_path / 'without', [None] * 4, hook=dict(type='IterTimerHook'))
    assert_same(state_of(with_hook), state_of(without))
    (hook,) = (one for one in with_hook.hooks if isinstance(one, NonFiniteHook))
    assert not hook._now.calls  # holds no batch while the next one is made, or in a validation


class CompileStep(Hook):
    def before_train(self, runner):
        optimizer = runner.optim_wrapper.optimizer
        optimizer.step = torch.compile(optimizer.step, backend='eager')


def test_a_compiled_step_is_skipped(tmp_path):
    spoiled = train(tmp_path / 'spoiled', [None, None, 'loss', None], hooks=[CompileStep()])
    clean = train(tmp_path / 'clean', [None] * 3, hooks=[CompileStep()])
    assert_same(state_of(spoiled), state_of(clean))


class CompileTrainStep(Hook):
    """What mmengine does with ``compile`` in a config; the graphs are counted, and run as they are."""

    def __init__(self):
        self.graphs = []

    def before_train(self, runner):
        def backend(graph, inputs):
            self.graphs.append(graph)
            return graph.forward

        runner.model.train_step = torch.compile(runner.model.train_step, backend=backend)


def test_a_compiled_training_step_holds_the_model_and_not_what_watches_it(tmp_path):
    compiler = CompileTrainStep()
    torch._dynamo.reset()
    counters.clear()
    compiled = train(tmp_path / 'compiled', [None, None, 'loss', None], hooks=[compiler])
    assert_same(state_of(compiled), state_of(train(tmp_path / 'eager', [None] * 3)))
    breaks = [reason for reason in counters['graph_break'] if 'compiler.disable' not in reason]
    assert all('backward' in reason for reason in breaks)  # of torch itself
    modules = {node.target for graph in compiler.graphs for node in graph.graph.nodes if node.op == 'call_function'}
    assert {torch.conv2d, torch.nn.functional.batch_norm} <= modules


def test_a_buffer_that_was_expanded_stays_as_it_is(tmp_path):
    class Expand(Hook):
        def before_train(self, runner):
            runner.model.register_buffer('mask', torch.zeros(1).expand(4, 5).to(DEVICE))

    runner = train(tmp_path / 'run', [None, 'loss', None], hooks=[Expand()])
    assert runner.message_hub.get_info('skipped_updates') == 1
    assert runner.model.mask.stride() == (0, 0)


def test_verdicts_are_float32_whatever_the_default():
    gradients = [torch.tensor([1.0])]
    torch.set_default_dtype(torch.float64)
    try:
        assert not any_rank_not_finite([torch.tensor(1.0)], gradients, torch.device('cpu'))
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_sparse_gradient_is_named():
    gradient = torch.sparse_coo_tensor([[0, 2]], torch.tensor([1.0, NAN]), (4,))
    assert names_not_finite([('embedding.weight', gradient), ('other', torch.zeros(2))]) == ['embedding.weight']


@pytest.mark.parametrize(
    ('mark', 'parts'),
    [
        (
            'image',
            ['iteration 2', 'loss_cls=nan, loss_extra=nan', 'inputs[1]', 'stem.0 (Conv2d)', 'videos/1_1.webm', '1 in'],
        ),
        ('loss', ['iteration 2', 'loss_extra=nan', 'videos/1_0.webm, videos/1_1.webm', 'at most 3', '1 in all']),
        ('gradient', ['iteration 2', 'gradients are not finite', 'fc.bias', 'loss_cls=', 'videos/1_1.webm']),
    ],
)
def test_the_warning_names_the_cause(tmp_path, warnings, mark, parts):
    lines, keep = warnings
    train(tmp_path / 'run', [None, mark, None], hooks=[keep])
    (line,) = [line for line in lines if line.startswith('iteration')]
    assert all(part in line for part in parts), line
    assert ('first module' in line) == (mark == 'image')
    assert any(line.startswith('1 updates were skipped') for line in lines)


def test_a_run_of_bad_updates_ends_with_the_checkpoint_intact(tmp_path):
    with pytest.raises(RunError, match=r'iteration 7: .*3 updates in a row.*max_in_a_row.*learning rate'):
        train(tmp_path / 'run', [None, None, 'loss', None, *['image'] * 3, None], interval=1)
    newest = tmp_path / 'run' / 'iter_6.pth'
    saved = torch.load(newest, weights_only=False)['state_dict']
    clean = train(tmp_path / 'clean', [None] * 3)
    assert_same(list(saved.values()), list(clean.model.state_dict().values()))
    assert (tmp_path / 'run' / 'last_checkpoint').read_text() == str(newest)


def test_good_updates_begin_the_count_anew(tmp_path):
    runner = train(tmp_path / 'run', ['image', 'image', None, 'image', 'image', None])
    assert runner.message_hub.get_info('skipped_updates') == 4


def test_a_weight_that_is_not_finite_stops_at_once(tmp_path):
    with pytest.raises(RunError, match=r'iteration 3: .*parameters that are not finite: fc.weight.*repair'):
        train(tmp_path / 'run', [None] * 4, hooks=[Spoil(2)], interval=1)
    assert not (tmp_path / 'run' / 'iter_3.pth').exists()


def test_weights_are_checked_before_training(tmp_path):
    class SpoilBefore(Spoil):
        def before_train(self, runner):
            with torch.no_grad():
                runner.model.stem[1].running_var[0] = INF

    with pytest.raises(RunError, match=r'before iteration 1 stem.1.running_var is not finite'):
        train(tmp_path / 'run', [None], hooks=[SpoilBefore(-1)])


def test_a_weight_that_is_bad_in_one_process_stops_all(tmp_path, monkeypatch):
    """The others would wait for the one that ended."""
    monkeypatch.setattr(non_finite_hook, 'all_gather_object', lambda bad: [bad, ['stem.1.running_var']])
    with pytest.raises(RunError, match=r'before iteration 1 stem.1.running_var is not finite: check load_from'):
        train(tmp_path / 'run', [None])


def test_a_checkpoint_never_holds_weights_that_are_not_finite(tmp_path):
    class SpoilAfter(Spoil):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if batch_idx == 1:
                with torch.no_grad():
                    runner.model.fc.bias[0] = INF

    with pytest.raises(RunError, match=r'no checkpoint is written, because fc.bias is not finite'):
        train(tmp_path / 'run', [None] * 3, hooks=[SpoilAfter(-1)], interval=1)
    assert [path.name for path in (tmp_path / 'run').glob('*.pth')] == ['iter_1.pth']


class Steady(BaseMetric):
    """A score that weights which are not finite do not change, as that of a constant guess."""

    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return dict(score=1.0)


def test_nor_does_the_best_one(tmp_path):
    class SpoilBeforeValidation(Spoil):
        def before_val(self, runner):
            with torch.no_grad():
                runner.model.fc.bias[0] = NAN

    validation = dict(
        val_dataloader=dict(dataset=Batches([None]), sampler=dict(type='DefaultSampler'), num_workers=0),
        val_evaluator=[Steady()],
        val_cfg=dict(),
    )
    with pytest.raises(RunError, match=r'no checkpoint is written, because fc.bias is not finite'):
        train(tmp_path / 'run', [None] * 2, hooks=[SpoilBeforeValidation(-1)], save_best='score', **validation)
    assert [path.name for path in (tmp_path / 'run').glob('*.pth')] == ['iter_2.pth']  # of before
    train(tmp_path / 'good', [None] * 2, save_best='score', **validation)
    assert [path.name for path in (tmp_path / 'good').glob('best_*.pth')] == ['best_score_iter_2.pth']


@pytest.mark.parametrize('mark', ['image', 'loss', 'gradient'])
@pytest.mark.parametrize('place', [2, 3])
def test_accumulation_skips_the_whole_update(tmp_path, mark, place):
    marks = [None] * 6
    marks[place] = mark
    spoiled = train(tmp_path / 'spoiled', marks, wrapper=dict(accumulative_counts=2))
    assert spoiled.message_hub.get_info('skipped_updates') == 1
    # the good half of the update has no influence either: another half, the same weights
    marks[5 - place] = 'other'
    other = train(tmp_path / 'other', marks, wrapper=dict(accumulative_counts=2))
    assert_same(state_of(spoiled, buffers=False), state_of(other, buffers=False))


def test_accumulation_counts_an_update_once(tmp_path):
    marks = [None, None, 'image', 'loss', 'image', None, None, None]
    runner = train(tmp_path / 'run', marks, wrapper=dict(accumulative_counts=2))
    assert runner.message_hub.get_info('skipped_updates') == 2


def test_accumulation_leaves_weights_of_the_good_updates(tmp_path):
    options = dict(wrapper=dict(accumulative_counts=2))
    spoiled = train(tmp_path / 'spoiled', [None, None, 'image', 'loss', None, None], **options)
    clean = train(tmp_path / 'clean', [None] * 4, **options)
    assert_same(state_of(spoiled), state_of(clean))


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
@pytest.mark.parametrize('mark', ['image', 'loss'])
def test_mixed_precision(tmp_path, dtype, mark):
    wrapper = dict(type='ShortAmpWrapper', dtype=dtype)
    spoiled = train(tmp_path / 'spoiled', [None, mark, None, None], wrapper=wrapper)
    clean = train(tmp_path / 'clean', [None] * 3, wrapper=wrapper)
    assert_same(state_of(spoiled), state_of(clean))
    assert spoiled.message_hub.get_info('skipped_updates') == 1


def test_overflows_of_the_scale_do_not_count(tmp_path):
    wrapper = dict(type='ShortAmpWrapper', dtype='float16', init_scale=2.0**24)
    runner = train(tmp_path / 'run', [None] * 12, wrapper=wrapper)
    assert runner.optim_wrapper.loss_scaler.get_scale() <= 2.0**20  # four skips in a row at least, of at most three
    assert 'skipped_updates' not in runner.message_hub.runtime_info
    assert runner.optim_wrapper.optimizer.state  # it did train in the end


def test_gradients_that_no_scale_repairs_stop_the_run(tmp_path):
    wrapper = dict(type='ShortAmpWrapper', dtype='float16', init_scale=2.0**3)
    with pytest.raises(RunError, match=r'iteration 6: .*3 updates in a row'):
        train(tmp_path / 'run', ['gradient'] * 10, wrapper=wrapper)


def test_the_diagnosis_changes_nothing(tmp_path):
    """Dropout draws the same numbers after a skipped update as without the hook's second run of the batch."""
    drawn = []

    class Draw(Hook):
        priority = 'LOW'

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            drawn.append(torch.get_rng_state())

    class Dropout(Hook):
        def before_train(self, runner):
            runner.model.dropout.p = 0.5

    train(tmp_path / 'good', [None] * 3, hooks=[Draw(), Dropout()])
    train(tmp_path / 'spoiled', [None, 'loss', None], hooks=[Draw(), Dropout()])
    assert_same(drawn[:3], drawn[3:])


@pytest.mark.parametrize(
    ('loss', 'gradient', 'is_bad'),
    [(1.0, 1e25, False), (1.0, INF, True), (1.0, NAN, True), (NAN, 1.0, True), (-INF, 1.0, True), (1.0, -3e38, False)],
)
@pytest.mark.parametrize('others', [torch.zeros(5), torch.zeros(5).double(), torch.zeros(1).expand(5)])
def test_large_numbers_are_finite(loss, gradient, is_bad, others):
    """Although their squares overflow; whether all gradients are of one kind or not."""
    gradients = [others, torch.tensor([1.0, gradient])]
    found = any_rank_not_finite([torch.tensor(loss)], gradients, torch.device('cpu'))
    assert found is is_bad


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_looking_at_gradients_changes_no_bit(dtype):
    smallest = torch.finfo(dtype).smallest_normal
    gradients = [torch.tensor([1.0, -0.0, NAN, -INF, smallest / 4, torch.finfo(dtype).max], dtype=dtype) for _ in 'ab']
    before = [gradient.view(torch.uint8).clone() for gradient in gradients]
    assert any_rank_not_finite([], gradients, torch.device('cpu'))
    assert all(torch.equal(gradient.view(torch.uint8), bits) for gradient, bits in zip(gradients, before, strict=True))


def test_a_diagnosis_that_fails_changes_no_generator_either():
    """A model that cannot be run once more, and has drawn until then."""

    class Once(nn.Module):
        def forward(self, inputs):
            torch.rand(3)
            raise RuntimeError('its cache is empty by now')

    call = ForwardCall((torch.zeros(1),), {}, capture_generators(), nullcontext(), {'loss': [torch.tensor(NAN)]})
    torch.rand(8)  # what the call itself drew
    before = torch.get_rng_state()
    assert find_cause(Once(), call, '', [], None).cause == 'loss=nan'
    assert torch.equal(torch.get_rng_state(), before)


def test_the_limit_must_be_positive():
    with pytest.raises(ValueError, match='max_in_a_row must be at least 1, but is 0'):
        NonFiniteHook(max_in_a_row=0)


def _rank(rank, port, folder, marks, wrapper):
    """One of two processes: the sampler deals the samples in turn, so that the spoiled ones go to rank 1."""
    torch.set_num_threads(1)
    where = dict(RANK=str(rank), LOCAL_RANK=str(local_rank(rank)), MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
    os.environ.update(where, WORLD_SIZE='2')
    torch.distributed.init_process_group('gloo')
    try:
        runner = train(folder / 'run', marks, wrapper=wrapper, per_loader=1, is_distributed=True)
        torch.save([state_of(runner), runner.message_hub.get_info('skipped_updates')], folder / f'{rank}.pth')
    except RunError as error:
        (folder / f'{rank}.txt').write_text(str(error))
    finally:
        torch.distributed.destroy_process_group()


def on_two_ranks(folder, marks, wrapper=None):
    """Train in two processes."""
    folder.mkdir()
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    mp.start_processes(
        _rank, (port, folder, marks, wrapper), nprocs=2, start_method=process_context().get_start_method()
    )


@pytest.mark.parametrize('wrapper', [None, dict(accumulative_counts=2)], ids=['each', 'accumulated'])
def test_all_ranks_skip_when_one_has_to(tmp_path, wrapper):
    marks = [None, None, 'image', 'loss', None, 'gradient', None, None]
    if wrapper is None:
        marks.remove('gradient')
    on_two_ranks(tmp_path / 'spoiled', marks, wrapper)
    first, second = (torch.load(tmp_path / 'spoiled' / f'{rank}.pth') for rank in (0, 1))
    assert first[1] == second[1] == 2
    assert all(value.isfinite().all() for value in first[0])
    names = [name for name in TinyNet().state_dict() if 'running' not in name]  # each rank has its own statistics
    assert_same(first[0][-len(names) :], second[0][-len(names) :])
    log = next((tmp_path / 'spoiled' / 'run').glob('*/*.log')).read_text()
    assert 'iteration 3: rank 1: loss_cls=nan' in log
    assert 'rank 0' not in log
    assert 'samples: videos/2_1.webm. ' in log
    if wrapper:
        assert 'fc.bias; samples: videos/5_0.webm, videos/5_1.webm. ' in log


def test_all_ranks_stop_with_the_same_error(tmp_path):
    on_two_ranks(tmp_path / 'run', [None, *['loss'] * 4])
    first, second = ((tmp_path / 'run' / f'{rank}.txt').read_text() for rank in (0, 1))
    assert first == second
    assert 'iteration 4: rank 1: loss_cls=' in first
