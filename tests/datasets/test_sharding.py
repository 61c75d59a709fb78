import json
import multiprocessing
import os
import sys
import tarfile

import numpy as np
import pytest
import torch
import webdataset
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from torch import nn

from mmvidext.cli.data.shard import shard
from mmvidext.datasets import ShardSampler, VideoListDataset, shard_sampler
from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.shard_file import ShardBackend
from mmvidext.datasets.sharding import write_shards
from tests.cli.invoke import invoke
from tests.datasets.videos import write_video

NUM_VIDEOS = 12
PIPELINE = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=1, num_clips=2),
    dict(type='mmvidext.DecodeVideo'),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Videos, a list, and shards of at most two videos."""
    folder = tmp_path_factory.mktemp('sharding')
    (folder / 'videos').mkdir()
    for number in range(NUM_VIDEOS):
        write_video(folder / 'videos' / f'{number}.webm', seed=number)
    size = max(path.stat().st_size for path in (folder / 'videos').iterdir())
    (folder / 'train.txt').write_text(''.join(f'{number}.webm {number % 3}\n' for number in range(NUM_VIDEOS)))
    write_shards(folder / 'videos', folder / 'shards', [folder / 'train.txt'], shard_size=2 * size)
    return folder


def dataset(folder, **settings):
    init_default_scope('mmaction')
    where = dict(ann_file=str(folder / 'shards' / 'train.txt'), data_prefix=dict(video=f'shards://{folder}/shards'))
    return VideoListDataset(**{**where, 'pipeline': PIPELINE, **settings})


def test_webdataset_reads_the_shards(folder):
    urls = sorted(str(path) for path in (folder / 'shards').glob('train-*.tar'))
    samples = list(webdataset.WebDataset(urls, shardshuffle=False))
    assert [sample['__key__'] for sample in samples] == [f'{number:09}' for number in range(NUM_VIDEOS)]
    for sample in samples:
        description = json.loads(sample['json'])
        assert sample['webm'] == (folder / 'videos' / description['path']).read_bytes()
        assert description['label'] == str(int(description['path'].removesuffix('.webm')) % 3)
    assert len({sample['json'] for sample in samples}) == NUM_VIDEOS
    assert len(urls) >= NUM_VIDEOS // 2


def test_a_data_set_reads_the_same_from_shards_and_from_files(folder):
    test_pipeline = [PIPELINE[0], dict(PIPELINE[1], test_mode=True), *PIPELINE[2:]]
    where = dict(ann_file=str(folder / 'train.txt'), data_prefix=dict(video=str(folder / 'videos')))
    files = dataset(folder, pipeline=test_pipeline, **where)
    shards = dataset(folder, pipeline=test_pipeline)
    names = [shards.get_data_info(index)['filename'].rsplit('/', 1)[1] for index in range(len(shards))]
    assert names != sorted(names, key=lambda name: int(name[:-5]))
    for index, name in enumerate(names):
        expected = files[int(name.removesuffix('.webm'))]
        assert torch.equal(shards[index]['inputs'], expected['inputs'])
        assert shards[index]['data_samples'].gt_label == expected['data_samples'].gt_label


@pytest.mark.parametrize('name', ['DecordInit', 'OpenCVInit', 'PyAVInit'])
def test_a_pipeline_that_reads_the_disk_alone_is_refused(folder, name):
    with pytest.raises(ValueError, match=rf'{name} cannot read from shards://.*; put mmvidext\.InitVideo and'):
        dataset(folder, pipeline=[dict(type=name), *PIPELINE[1:]])
    where = dict(ann_file=str(folder / 'train.txt'), data_prefix=dict(video=str(folder / 'videos')))
    dataset(folder, pipeline=[dict(type=name), *PIPELINE[1:]], **where)


def test_a_second_run_writes_what_is_missing(tmp_path, folder):
    pytest.importorskip('webdataset')
    arguments = (folder / 'videos', tmp_path, '--list', folder / 'train.txt', '--workers', 0)
    assert '12 videos in 1 shards, of which 0 were there' in invoke(shard, *arguments)
    first = (tmp_path / 'train-000000.tar').read_bytes(), (tmp_path / 'train.txt').read_text()
    output = invoke(shard, *arguments)
    assert '12 videos in 1 shards, of which 1 were there' in output
    assert f"data_prefix=dict(video='shards://{tmp_path}')" in output
    damage = first[0][:512] + bytes(range(256)) * 4 + first[0][1536:]
    for damaged in (first[0][:-20_000], first[0][:700], b'', b'\x1f\x8b' + first[0][2:], damage):
        (tmp_path / 'train-000000.tar').write_bytes(damaged)
        assert 'of which 0 were there' in invoke(shard, *arguments)
    assert first == ((tmp_path / 'train-000000.tar').read_bytes(), (tmp_path / 'train.txt').read_text())
    (tmp_path / 'train-000001.tar').touch()
    assert 'train-000001.tar is of a run with other settings' in invoke(shard, *arguments, status=1)


def test_a_shard_of_other_labels_or_videos_is_written_anew(tmp_path, folder):
    ann_file, shard_file = tmp_path / 'a[1].txt', tmp_path / 'out' / 'a[1]-000000.tar'
    for name in 'ab':
        (tmp_path / f'{name}.webm').write_bytes((folder / 'videos' / '0.webm').read_bytes())

    def run(text):
        ann_file.write_text(text)
        kept = write_shards(tmp_path, tmp_path / 'out', [ann_file]).num_kept
        samples = webdataset.WebDataset(str(shard_file), shardshuffle=False)
        return kept, sorted(tuple(json.loads(sample['json']).values()) for sample in samples)

    assert run('a.webm 0\nb.webm 1\n') == (0, [('a.webm', '0'), ('b.webm', '1')])
    assert run('a.webm 0\nb.webm 1\n')[0] == 1
    assert run('a.webm 0\nb.webm 2\n') == (0, [('a.webm', '0'), ('b.webm', '2')])
    assert run('b.webm 0\na.webm 2\n') == (0, [('a.webm', '2'), ('b.webm', '0')])


def test_lists_of_similar_names(tmp_path, folder):
    lists = [tmp_path / name for name in ('train-2024.txt', 'train.txt', 'train.csv')]
    for path in lists:
        path.write_text('0.webm 0\n')
    assert write_shards(folder / 'videos', tmp_path / 'out', lists[:2]).num_kept == 0
    assert write_shards(folder / 'videos', tmp_path / 'out', lists[:2]).num_kept == 2
    with pytest.raises(ValueError, match=r'the shards of two lists would be named train-000000\.tar; rename one list'):
        write_shards(folder / 'videos', tmp_path / 'out', lists)


@pytest.mark.parametrize('other', ['train.csv', 'other/train.txt'])
def test_another_list_of_that_name_replaces_no_shard(tmp_path, folder, other):
    """A second run, whose shards would have the names of the first one's."""
    out, first, second = tmp_path / 'out', tmp_path / 'train.txt', tmp_path / other
    second.parent.mkdir(exist_ok=True)
    first.write_text('0.webm 0\n1.webm 1\n')
    second.write_text('2.webm 0\n3.webm 1\n')
    write_shards(folder / 'videos', out, [first])
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    third = tmp_path / 'val.txt'
    third.write_text('4.webm 0\n')
    with pytest.raises(
        ValueError, match=rf'train-000000\.tar is of the list {first} .* those of {second} would replace'
    ):
        write_shards(folder / 'videos', out, [third, second])
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    output = invoke(shard, folder / 'videos', out, '--list', second, status=1)
    assert 'train-000000.tar is of the list' in output.splitlines()[-1]


def test_a_list_that_was_moved_or_has_no_record_is_the_same(tmp_path, folder):
    out, first, second = tmp_path / 'out', tmp_path / 'train.txt', tmp_path / 'moved' / 'train.txt'
    second.parent.mkdir()
    for path in (first, second):
        path.write_text('0.webm 0\n1.webm 1\n')
    assert write_shards(folder / 'videos', out, [first]).num_kept == 0
    assert write_shards(folder / 'videos', out, [second]).num_kept == 1
    second.write_text('0.webm 0\n1.webm 2\n')
    assert write_shards(folder / 'videos', out, [second]).num_kept == 0
    (out / 'train-source.json').unlink()  # of an older version
    assert write_shards(folder / 'videos', out, [first]).num_kept == 0


def test_what_an_earlier_run_did_not_make_stays(tmp_path, folder):
    out, ann_file = tmp_path / 'out', tmp_path / 'train.txt'
    ann_file.write_text('0.webm 0\n')
    out.mkdir()
    for name in ('train.txt', 'train-000000.tar', 'train-source.json'):
        (out / name).write_text('{"my": 1}')
        assert f'{name} would be replaced, and' in invoke(shard, folder / 'videos', out, '--list', ann_file, status=1)
        assert {path.name: path.read_text() for path in out.iterdir()} == {name: '{"my": 1}'}
        (out / name).unlink()
    with tarfile.open(out / 'train-000000.tar', 'w') as tar:
        tar.add(ann_file, 'a.txt')
    content = (out / 'train-000000.tar').read_bytes()
    with pytest.raises(ValueError, match=r'train-000000\.tar would be replaced, and is no shard of ours: rename it'):
        write_shards(folder / 'videos', out, [ann_file])
    assert (out / 'train-000000.tar').read_bytes() == content


def test_what_a_killed_run_left_is_removed(tmp_path, folder):
    (tmp_path / 'train.txt').write_text('0.webm 0\n')
    (tmp_path / 'out').mkdir()
    for name in ('.train-000000.123-0a1b2c3d.tar', '.mine.tar'):
        (tmp_path / 'out' / name).touch()
    write_shards(folder / 'videos', tmp_path / 'out', [tmp_path / 'train.txt'])
    assert {path.name for path in (tmp_path / 'out').glob('*.tar')} == {'train-000000.tar', '.mine.tar'}


@pytest.mark.parametrize('name', ['video', 'video.JSON'])
def test_a_video_without_a_suffix_of_its_own(tmp_path, name):
    (tmp_path / name).write_bytes(b'0')
    (tmp_path / 'a.txt').write_text(f'{name} 0\n')
    with pytest.raises(ValueError, match=f'{name} has not the suffix of a video, such as .mp4; rename it'):
        write_shards(tmp_path, tmp_path / 'out', [tmp_path / 'a.txt'])
    assert not (tmp_path / 'out').exists()


def test_errors(tmp_path, folder, monkeypatch):
    backend = ShardBackend()
    (tmp_path / 'a.tar').write_bytes(b'0123456789')
    assert backend.get_text(f'shards://{tmp_path}/a.tar/3+4/b.mp4') == '3456'
    with pytest.raises(BadFileError, match=r'a\.tar is truncated: .*/8\+4/b\.mp4 is not in it'):
        backend.get(f'shards://{tmp_path}/a.tar/8+4/b.mp4')
    for place in ('0+999999999999', '999999999999999+5', '11+0'):
        with pytest.raises(BadFileError, match=r'a\.tar is truncated: .*b\.mp4 is not in it'):
            backend.get(f'shards://{tmp_path}/a.tar/{place}/b.mp4')
    with pytest.raises(BadFileError, match=r'b\.mp4 is not the place of a video in a shard'):
        backend.get(f'shards://{tmp_path}/b.mp4')
    with pytest.raises(FileNotFoundError, match=r'c\.tar does not exist'):
        backend.get(f'shards://{tmp_path}/c.tar/8+4/b.mp4')
    os.mkfifo(tmp_path / 'd.tar')  # opening it would never end
    with pytest.raises(BadFileError, match=r'd\.tar is not a regular file'):
        backend.get(f'shards://{tmp_path}/d.tar/8+4/b.mp4')
    (tmp_path / 'list.txt').write_text('missing.webm 1\n')
    with pytest.raises(FileNotFoundError, match=r'missing\.webm does not exist'):
        write_shards(folder / 'videos', tmp_path / 'out', [tmp_path / 'list.txt'])
    with pytest.raises(ValueError, match='shard_size must be'):
        write_shards(folder / 'videos', tmp_path / 'out', [tmp_path / 'list.txt'], shard_size=0)
    monkeypatch.setitem(sys.modules, 'webdataset', None)
    with pytest.raises(ImportError, match=r'mmvidext\[shards\]'):
        write_shards(folder / 'videos', tmp_path / 'out', [tmp_path / 'list.txt'])


def test_the_order_is_random_and_follows_the_shards(folder, monkeypatch):
    data = dataset(folder)
    shard_of = [data.get_data_info(index)['filename'].split('/')[-3] for index in range(len(data))]
    num_shards = len(set(shard_of))

    def order(rank=0, world_size=1, epoch=0, seed=0, num_mixed=2):
        monkeypatch.setattr(shard_sampler, 'get_dist_info', lambda: (rank, world_size))
        sampler = ShardSampler(data, seed=seed, num_mixed=num_mixed)
        sampler.set_epoch(epoch)
        indices = list(sampler)
        assert len(indices) == len(sampler)
        return indices

    assert order() == order()
    assert sorted(order()) == list(range(NUM_VIDEOS))
    assert len({tuple(order(epoch=epoch)) for epoch in range(8)}) == 8
    assert order(seed=1) != order()
    # from shard to shard: a change of the file for each mixed group at most
    changes = np.count_nonzero([shard_of[a] != shard_of[b] for a, b in zip(order()[:-1], order()[1:], strict=True)])
    assert changes <= num_shards + NUM_VIDEOS // 2
    parts = [order(rank, 5) for rank in range(5)]
    assert {len(part) for part in parts} == {3}
    assert {index for part in parts for index in part} == set(range(NUM_VIDEOS))
    with pytest.raises(ValueError, match='num_mixed must be'):
        order(num_mixed=0)
    where = dict(ann_file=str(folder / 'train.txt'), data_prefix=dict(video=str(folder / 'videos')))
    with pytest.raises(BadFileError, match='is not the place of a video in a shard'):
        ShardSampler(dataset(folder, **where))


def draw(rank, folder, store, results):
    torch.distributed.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2)
    sampler = ShardSampler(dataset(folder), num_mixed=2)  # the processes agree on a seed
    results.put((rank, sampler.seed, list(sampler)))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def test_two_processes_share_the_videos(folder, tmp_path):
    context = multiprocessing.get_context('fork')
    results = context.Queue()
    processes = [context.Process(target=draw, args=(rank, folder, tmp_path / 'store', results)) for rank in range(2)]
    for process in processes:
        process.start()
    (_, first_seed, first), (_, second_seed, second) = sorted(results.get(timeout=90) for _ in processes)
    for process in processes:
        process.join(90)
    assert [process.exitcode for process in processes] == [0, 0]
    assert first_seed == second_seed
    assert sorted(first + second) == list(range(NUM_VIDEOS))
    assert len(first) == len(second)


@MODELS.register_module(force=True)
class ShardTestModel(BaseModel):
    """Learns from the mean color of each frame, in the order in which the samples come."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 1)

    def forward(self, inputs, data_samples=None, mode='loss'):
        means = torch.stack(inputs).float().mean((-2, -1)).flatten(1) / 255
        labels = torch.stack([sample.gt_label for sample in data_samples])
        return dict(loss=(self.layer(means) - labels).square().mean())


def train(folder, work_dir, *, num_workers, resume_from=None):
    where = dict(ann_file=str(folder / 'shards' / 'train.txt'), data_prefix=dict(video=f'shards://{folder}/shards'))
    config = Config(
        dict(
            default_scope='mmaction',
            work_dir=str(work_dir),
            experiment_name=str(work_dir),
            model=dict(type='ShardTestModel'),
            train_dataloader=dict(
                batch_size=3,
                num_workers=num_workers,
                sampler=dict(type='mmvidext.ShardSampler', num_mixed=4),
                dataset=dict(type='mmvidext.VideoListDataset', pipeline=PIPELINE, **where),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=2),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
            custom_hooks=[dict(type='mmvidext.ExactResumeHook')],
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=False)),
            randomness=dict(seed=3),
            resume=resume_from is not None,
            load_from=resume_from and str(resume_from),
            log_level='ERROR',
        )
    )
    return Runner.from_cfg(config).train().state_dict()


def test_a_training_on_shards_resumes_exactly(folder, tmp_path):
    whole = train(folder, tmp_path / 'whole', num_workers=0)
    resumed = train(folder, tmp_path / 'resumed', num_workers=2, resume_from=tmp_path / 'whole' / 'iter_3.pth')
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
