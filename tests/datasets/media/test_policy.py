import os
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import Runner as MMEngineRunner
from PIL import Image
from torch.utils.data import DataLoader

from mmvidext.datasets.cityscapes_video import CityscapesVideoDataset
from mmvidext.datasets.flying_chairs import FlyingChairsDataset
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.limits import crash_in_child, within
from mmvidext.engine.bad_files_hook import BadFilesHook
from mmvidext.engine.bad_files_hook import _write as write_list
from tests.cli.small_run import Constant, Line, Samples
from tests.datasets.flow_files import write_chairs
from tests.datasets.layouts import write_cityscapes, write_image


class Runner:
    """What the hook reads of mmengine's."""

    val_loop = test_loop = None

    def __init__(self, dataset, work_dir, resume=False, workers=0):
        self.train_dataloader = DataLoader(
            dataset, num_workers=workers, collate_fn=pseudo_collate, timeout=30 * (workers > 0)
        )
        self.work_dir, self._resume, self.iter = str(work_dir), resume, 0


def chairs(root, **options):
    return FlyingChairsDataset(str(root), pipeline=[dict(type='mmvidext.LoadFlowPair')], **options)


def cityscapes(root, **options):
    prefix = dict(img_path='leftImg8bit_sequence/val', seg_map_path='gtFine/val')
    pipeline = [dict(type='mmvidext.SampleKeyFrame', distance=0), dict(type='mmvidext.LoadClip')]
    pipeline.append(dict(type='mmvidext.LoadClipAnnotations'))
    return CityscapesVideoDataset(data_root=str(root), data_prefix=prefix, pipeline=pipeline, **options)


def make_chairs(root):
    write_chairs(root, codes=(1, 1, 1))
    return chairs, 'pairs', {'image': root / 'data/00001_img1.ppm', 'flow': root / 'data/00001_flow.flo'}


def make_cityscapes(root):
    init_default_scope('mmseg')
    for sequence in ('000000', '000001', '000002'):
        write_cityscapes(root, frames=range(1), labeled=0, sequence=sequence)
    stem = 'ulm/ulm_000000_000000_'
    image, label = f'leftImg8bit_sequence/val/{stem}leftImg8bit.png', f'gtFine/val/{stem}gtFine_labelTrainIds.png'
    return cityscapes, 'frames', {'image': root / image, 'label': root / label}


def half(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def in_place(make):
    def damage(path):
        path.unlink()
        make(path)

    return damage


def bind(path):
    with socket.socket(socket.AF_UNIX) as server:  # whose names are short
        folder = os.open(path.parent, os.O_RDONLY)
        server.bind(f'/proc/self/fd/{folder}/{path.name}')
        os.close(folder)


DAMAGES = {
    'empty': lambda path: path.write_bytes(b''),
    'truncated': half,
    'header only': lambda path: path.write_bytes(path.read_bytes()[:14]),
    'noise': lambda path: path.write_bytes(np.random.default_rng(0).bytes(300)),
    'text': lambda path: path.write_text('<html>not found</html>'),
    'directory': in_place(lambda path: path.mkdir()),
    'fifo': in_place(os.mkfifo),
    'dangling link': in_place(lambda path: path.symlink_to('nowhere')),
    'device': in_place(lambda path: path.symlink_to('/dev/zero')),
    'socket': in_place(bind),
    'missing': lambda path: path.unlink(),
    'huge header': lambda path: path.write_bytes(
        b'PIEH' + b'\xff\xff\xff\x7f' * 2 if path.suffix == '.flo' else b'P6 2000000000 2000000000 255\n' + bytes(99)
    ),
}


@pytest.mark.parametrize('damage', DAMAGES)
@pytest.mark.parametrize(
    ('make', 'part'),
    [(make_chairs, 'image'), (make_chairs, 'flow'), (make_cityscapes, 'image'), (make_cityscapes, 'label')],
)
def test_every_reader_and_every_damage(tmp_path, make, part, damage):
    build, _, files = make(tmp_path)
    training, test = build(tmp_path), build(tmp_path, test_mode=True)
    DAMAGES[damage](files[part])
    with pytest.raises(BadFileError, match=files[part].name):
        test[0]
    assert training[0]['sample_idx'] in (1, 2)
    (reason,) = training.bad_files().values()
    assert files[part].name in reason


@pytest.mark.parametrize('make', [make_chairs, make_cityscapes])
def test_the_budget(tmp_path, make):
    build, what, files = make(tmp_path)
    dataset = build(tmp_path)
    for path in files['image'].parent.iterdir():
        path.write_bytes(b'')
    with pytest.raises(BadFileError, match=rf'2 of 3 {what} cannot be read, and max_bad_fraction is 0\.01'):
        dataset[0]


@pytest.mark.parametrize('workers', [0, 2])
def test_the_hook_lists_what_workers_found_also_when_the_budget_stops_the_run(tmp_path, workers):
    _, _, files = make_chairs(tmp_path)
    dataset = chairs(tmp_path)
    hook, runner = BadFilesHook(), Runner(dataset, tmp_path, workers=workers)
    hook.before_train(runner)
    files['image'].write_bytes(b'')
    assert len(list(runner.train_dataloader)) == 3
    hook.after_train_iter(runner, 0)
    (line,) = (tmp_path / 'bad_files.txt').read_text().splitlines()
    assert line == f'{files["image"]}\t{files["image"]} is empty'
    second = files['image'].with_name('00002_img2.ppm')
    second.write_bytes(b'')
    with pytest.raises(BadFileError, match='2 of 3 pairs'):
        list(runner.train_dataloader)
    del runner  # as at the end of the program
    assert f'{second} is empty' in (tmp_path / 'bad_files.txt').read_text()


def train_with_two(rank, root, num_bad):
    """What each of two processes does; each reads one bad pair of its own."""
    store = torch.distributed.FileStore(f'{root}/store', 2)
    torch.distributed.init_process_group('gloo', store=store, rank=rank, world_size=2)
    dataset = chairs(root, max_bad_fraction=num_bad / 6)
    hook, runner = BadFilesHook(interval=1), Runner(dataset, root)
    hook.before_train(runner)
    dataset[rank]
    try:
        hook.after_train_iter(runner, 0)
        Path(root, f'counted_{rank}').write_text(str(dataset.num_bad))
        hook.after_train(runner)
    except BadFileError as error:
        Path(root, f'stopped_{rank}').write_text(str(error))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize('num_bad', [2, 1])
def test_two_processes_have_one_list_and_one_budget(tmp_path, num_bad):
    write_chairs(tmp_path, codes=(1,) * 6)
    for stem in ('00001', '00002'):
        (tmp_path / f'data/{stem}_img1.ppm').write_bytes(b'')
    torch.multiprocessing.spawn(train_with_two, (str(tmp_path), num_bad), nprocs=2)
    if num_bad == 1:
        for rank in (0, 1):
            assert '2 of 6 pairs cannot be read' in (tmp_path / f'stopped_{rank}').read_text()
        return
    assert [(tmp_path / f'counted_{rank}').read_text() for rank in (0, 1)] == ['2', '2']
    lines = (tmp_path / 'bad_files.txt').read_text().splitlines()
    assert [line.split('\t')[0][-14:] for line in lines] == ['00001_img1.ppm', '00002_img1.ppm']
    assert list(tmp_path.glob('bad_files_*')) == []


@pytest.mark.parametrize('split', ['val', 'test'])
def test_an_evaluation_replaces_nothing_even_without_test_mode(tmp_path, split):
    _, _, files = make_chairs(tmp_path)
    files['image'].write_bytes(b'')
    runner = Runner(chairs(tmp_path), tmp_path)
    loader = DataLoader(ConcatDataset([chairs(tmp_path)]), num_workers=1, collate_fn=pseudo_collate, timeout=30)
    setattr(runner, f'{split}_loop', SimpleNamespace(dataloader=loader))
    getattr(BadFilesHook(), f'before_{split}_epoch')(runner)
    with pytest.raises(BadFileError, match=r'00001_img1\.ppm is empty'):
        next(iter(loader))
    assert runner.train_dataloader.dataset[0]['sample_idx'] in (1, 2)


@pytest.mark.parametrize('dataset', [dict(type='mmvidext.FlyingChairsDataset', data_root='nowhere'), None])
def test_an_evaluation_needs_no_training_data_and_leaves_the_list_of_the_training(tmp_path, dataset):
    (tmp_path / 'bad_files.txt').write_text('a.ppm\tis empty\n')
    loader = dict(batch_size=2, sampler=dict(type='DefaultSampler', shuffle=False))
    training = dict(
        train_dataloader=dict(**loader, dataset=dataset),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
    )
    runner = MMEngineRunner(
        Line(),
        str(tmp_path),
        test_dataloader=dict(**loader, dataset=Samples()),
        test_cfg=dict(),
        test_evaluator=[Constant()],
        custom_hooks=[dict(type='mmvidext.BadFilesHook')],
        experiment_name=tmp_path.name,
        **(training if dataset else {}),
    )
    assert 'm0' in runner.test()
    assert (tmp_path / 'bad_files.txt').read_text() == 'a.ppm\tis empty\n'


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(tmp_path):
    build, _, files = make_cityscapes(tmp_path)
    for path in files.values():
        Image.new('L', (8192, 8193)).save(path)
        with pytest.raises(BadFileError, match=rf'{path.name} has more than 67108864 pixels, which are not read'):
            build(tmp_path, test_mode=True)[0]
        write_image(path)
    Image.new('1', (20000, 20000)).save(files['image'])  # refused by Pillow as well
    with pytest.raises(BadFileError, match='has more than 67108864 pixels'):
        build(tmp_path, test_mode=True)[0]


@pytest.mark.parametrize('damage', ['fifo', 'bytes'])
def test_a_run_resumes_also_where_the_list_is_damaged(damage, tmp_path):
    write_chairs(tmp_path)
    dataset = chairs(tmp_path)
    if damage == 'fifo':
        os.mkfifo(tmp_path / 'bad_files.txt')  # opening it would never end
    else:
        (tmp_path / 'bad_files.txt').write_bytes(b'\xff\t\xfe\n')
    BadFilesHook().before_train(Runner(dataset, tmp_path, resume=True))
    assert dataset.num_bad == 0


def test_a_run_that_resumes_goes_on_counting(tmp_path):
    _, _, files = make_chairs(tmp_path)
    (tmp_path / 'bad_files.txt').write_text(f'{files["image"]}\tis empty\n/elsewhere\tis empty\n')
    dataset = chairs(tmp_path)
    BadFilesHook().before_train(Runner(dataset, tmp_path, resume=True))
    assert dataset[0]['sample_idx'] in (1, 2)
    assert list(dataset.bad_files()) == [str(files['image'])]
    (tmp_path / 'bad_files.txt').write_text(
        ''.join(f'{path}\tis empty\n' for path in dataset.bad_paths())
        + f'{files["image"].with_name("00002_img1.ppm")}\tis empty\n'
    )
    with pytest.raises(BadFileError, match=r'2 of 3 pairs .* delete their lines in bad_files\.txt'):
        BadFilesHook().before_train(Runner(chairs(tmp_path), tmp_path, resume=True))
    dataset = chairs(tmp_path)
    BadFilesHook().before_train(Runner(dataset, tmp_path))
    assert dataset[0]['sample_idx'] == 0
    assert not (tmp_path / 'bad_files.txt').exists()


def test_a_replacement_draws_the_same_whether_the_bad_file_was_known_or_not(tmp_path):
    """A resumed run knows from bad_files.txt what the run before it had to find out."""
    write_chairs(tmp_path, codes=(1, 1, 1))
    half(tmp_path / 'data/00001_flow.flo')  # which only its reader notices
    noise = dict(type='mmvidext.FlowPairNoise', sigma_range=(0.01, 0.04))
    pipeline = [Draws(), dict(type='mmvidext.LoadFlowPair'), noise]
    drawn = []
    for known in (False, True):
        dataset = FlyingChairsDataset(str(tmp_path), pipeline=pipeline, max_bad_fraction=0.5)
        if known:
            dataset.remember({dataset.get_data_info(0)['img1_path']: 'known'})
        np.random.seed(5)
        drawn.append(dataset[0]['img1'])
    np.testing.assert_array_equal(*drawn)


class Draws:
    """A step that draws before the files are read."""

    def __call__(self, results):
        np.random.random(3)
        return results


@pytest.mark.parametrize('workers', [0, 1])
def test_a_sample_that_takes_too_long(tmp_path, workers):
    make_chairs(tmp_path)
    with pytest.raises(ValueError, match='time_limit must be a number of seconds above 0'):
        chairs(tmp_path, time_limit=0)
    dataset = chairs(tmp_path, time_limit=2)
    first = dataset.get_data_info(0)['img1_path']
    dataset.pipeline.transforms.insert(0, lambda results: time.sleep(60 * (results['img1_path'] == first)) or results)
    loader = DataLoader(dataset, num_workers=workers, collate_fn=pseudo_collate)
    assert next(iter(loader))['sample_idx'][0] in (1, 2)
    assert 'takes longer than 2 s to read' in dataset.bad_files()[first]
    dataset.test_mode = True
    with pytest.raises(BadFileError, match=r'00001_img1\.ppm takes longer than 2 s'):
        dataset[0]


def test_names_cannot_forge_lines_or_control_a_terminal(tmp_path):
    dataset = chairs(make_chairs(tmp_path) and tmp_path)
    dataset._note('a\x1b[2J\n$(reboot)', 'is\r\nempty')
    assert dataset.bad_files() == {'a\\x1b[2J\\n$(reboot)': 'is\\r\\nempty'}


def test_a_child_dies_alone():
    assert crash_in_child(lambda: None, 10) is None
    assert crash_in_child(lambda: 1 / 0, 10) is None
    assert crash_in_child(os.abort, 10) == 'SIGABRT'
    assert crash_in_child(lambda: time.sleep(60), 0.2) == 'SIGKILL'
    with pytest.raises(ZeroDivisionError):
        within(10, lambda: 1 / 0, name='a')


def test_a_copy_of_the_process_that_waits_for_a_lock_of_its_parent_is_replaced():
    """A thread holds the lock while the process is copied; in the copy nobody will release it."""
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(0.3, lock.release).start()
    started = time.monotonic()
    assert crash_in_child(lock.acquire, 30, idle_seconds=0.5) is None
    assert time.monotonic() - started < 5


def test_a_copy_that_computes_is_not_replaced(tmp_path):
    def compute():
        with (tmp_path / 'starts').open('a') as file:
            file.write('x')
        end = time.monotonic() + 1
        while time.monotonic() < end:
            pass

    assert crash_in_child(compute, 30, idle_seconds=0.2) is None
    assert (tmp_path / 'starts').read_text() == 'x'


def test_a_full_temporary_folder_ends_no_training(tmp_path):
    """The sample is replaced and counts; only the list cannot say why."""
    _, _, files = make_chairs(tmp_path)
    dataset = chairs(tmp_path)
    files['image'].write_bytes(b'')
    dataset._notes = tmp_path / 'removed' / 'notes'
    assert dataset[0]['sample_idx'] in (1, 2)
    assert dataset.num_bad == 1
    (reason,) = dataset.bad_files().values()
    assert 'which said why, was removed or could not be written' in reason
    (tmp_path / 'bad_files.txt').mkdir()
    dataset._notes = tmp_path / 'notes'
    dataset._note('a', 'is empty')
    assert write_list(tmp_path / 'bad_files.txt', [dataset]) == 2


def test_a_folder_that_fills_up_in_the_middle_of_a_line(tmp_path, monkeypatch):
    """The line that was cut off takes nothing of the one after it along."""
    dataset = chairs(make_chairs(tmp_path) and tmp_path)
    write = os.write
    monkeypatch.setattr(os, 'write', lambda handle, data: write(handle, data[:10]))
    dataset._note('/videos/first.mp4', 'is empty')
    monkeypatch.undo()
    dataset._note('/videos/second.mp4', 'is empty')
    assert dataset.bad_files() == {'/videos/second.mp4': 'is empty'}


def test_the_list_keeps_what_it_had_when_the_temporary_folder_is_emptied(tmp_path):
    write_chairs(tmp_path, codes=(1,) * 6)
    dataset = chairs(tmp_path, max_bad_fraction=0.5)
    hook, runner = BadFilesHook(), Runner(dataset, tmp_path)
    hook.before_train(runner)
    first, second, third = (tmp_path / f'data/0000{number}_img1.ppm' for number in (1, 2, 3))
    for path in (first, second, third):
        path.write_bytes(b'')
    dataset[0]
    hook.after_train_iter(runner, 0)
    dataset[1]
    dataset._notes.unlink()  # before the second was listed
    dataset[2]
    hook.after_train_iter(runner, 1)
    lines = dict(line.split('\t') for line in (tmp_path / 'bad_files.txt').read_text().splitlines())
    assert list(lines) == [str(first), str(second), str(third)]
    assert [f'{path} is empty' == lines[str(path)] for path in (first, second, third)] == [True, False, True]


def test_only_the_lists_of_the_hook_are_its_own(tmp_path):
    _, _, files = make_chairs(tmp_path)
    copy, folder = tmp_path / 'bad_files_before_repair.txt', tmp_path / 'bad_files.txt'
    copy.write_text(f'{files["image"]}\tis empty\n')
    folder.mkdir()
    (tmp_path / 'bad_files_rank1.txt').write_text('a.ppm\tis empty\n')
    dataset = chairs(tmp_path)
    BadFilesHook().before_train(Runner(dataset, tmp_path, resume=True))
    assert dataset.num_bad == 0
    BadFilesHook().before_train(Runner(dataset, tmp_path))
    assert copy.exists()
    assert folder.exists()
    assert not (tmp_path / 'bad_files_rank1.txt').exists()
