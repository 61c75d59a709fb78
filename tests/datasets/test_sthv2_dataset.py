import logging

import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from mmvidext.datasets.bad_video import BadVideoError
from mmvidext.datasets.sthv2_dataset import SthV2Dataset
from mmvidext.registry import DATASETS
from tests.datasets.videos import write_bad_videos, write_video

PIPELINE = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=4),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(16, 16), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, flip_label_map={0: 1, 1: 0}),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs', meta_keys=('filename',)),
]
TEST_PIPELINE = [PIPELINE[0], {**PIPELINE[1], 'test_mode': True}, *PIPELINE[2:4], *PIPELINE[5:]]
NUM_GOOD = 6


@pytest.fixture(scope='module', autouse=True)
def scope():
    init_default_scope('mmaction')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('sthv2')
    (path / 'videos').mkdir()
    for number in range(NUM_GOOD):
        write_video(path / 'videos' / f'{number}.webm', seed=number)
    write_bad_videos(path / 'videos', path / 'videos' / '0.webm')
    return path


def build(folder, names, **options):
    ann_file = folder / f'list{len(names)}-{abs(hash(tuple(names)))}.txt'
    ann_file.write_text(''.join(f'{name} {label % 2}\n' for label, name in enumerate(names)))
    defaults = dict(data_root=str(folder), data_prefix=dict(video='videos'), num_classes=2, pipeline=PIPELINE)
    return SthV2Dataset(ann_file.name, **{**defaults, **options})


def good(*bad):
    return [*(f'{number}.webm' for number in range(NUM_GOOD)), *bad]


def test_reads_clips_and_labels(folder):
    dataset = build(folder, good(), pipeline=TEST_PIPELINE, test_mode=True)
    item = dataset[3]
    assert item['inputs'].shape == (4, 3, 16, 16)
    assert item['data_samples'].gt_label.item() == 1
    brightness = item['inputs'].float().mean(dim=(1, 2, 3))
    assert (brightness.diff() > 0).all()  # the frames are in order


def test_a_flip_exchanges_the_label(folder):
    pipeline = [*PIPELINE[:4], {**PIPELINE[4], 'flip_ratio': 1.0}, *PIPELINE[5:]]
    dataset = build(folder, good(), pipeline=pipeline)
    assert [dataset[index]['data_samples'].gt_label.item() for index in (0, 1)] == [1, 0]


def test_is_built_from_a_config(folder):
    config = dict(type='mmvidext.SthV2Dataset', ann_file=str(folder / 'few.txt'), pipeline=PIPELINE, num_classes=2)
    (folder / 'few.txt').write_bytes(b'\xef\xbb\xbf0.webm 1\r\n')
    dataset = DATASETS.build({**config, 'data_prefix': dict(video=str(folder / 'videos'))})
    assert len(dataset) == 1


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('missing.webm', 'does not exist'),
        ('empty.webm', 'is empty'),
        ('truncated.webm', 'is truncated: it has [0-9]+ bytes of [0-9]+'),
        ('text.webm', 'cannot be read: '),
    ],
)
def test_a_bad_video_is_an_error_in_test_and_replaced_in_training(folder, name, reason, caplog):
    with pytest.raises(BadVideoError, match=rf'videos/{name} {reason}'):
        build(folder, good(name), pipeline=TEST_PIPELINE, test_mode=True)[NUM_GOOD]
    dataset = build(folder, good(name))
    replaced = dataset[NUM_GOOD]['data_samples'].filename
    assert replaced.endswith(tuple(good()))
    assert {dataset[NUM_GOOD]['data_samples'].filename for _ in range(3)} == {replaced}
    assert build(folder, good(name))[NUM_GOOD]['data_samples'].filename == replaced


def test_another_seed_chooses_another_replacement(folder):
    chosen = {
        build(folder, good('empty.webm'), replacement_seed=seed)[NUM_GOOD]['data_samples'].filename for seed in range(6)
    }
    assert len(chosen) > 1


def test_each_bad_video_is_logged_once(folder, monkeypatch):
    messages = []
    monkeypatch.setattr(
        'mmvidext.datasets.bad_video.print_log', lambda text, **options: messages.append((text, options))
    )
    dataset = build(folder, good('empty.webm', 'missing.webm'))
    for _ in range(3):
        for index in range(len(dataset)):
            dataset[index]
    assert len(messages) == 2
    assert messages[0][0].startswith('bad video 1 (max_bad_videos is 100), replaced by another: ')
    assert messages[0][0].endswith('empty.webm is empty')
    assert messages[0][1]['level'] == logging.WARNING


def test_too_many_bad_videos_stop_the_training_and_are_listed(folder):
    dataset = build(folder, good('empty.webm', 'missing.webm'), max_bad_videos=1)
    dataset[NUM_GOOD]
    with pytest.raises(BadVideoError, match=r'2 of 8 videos cannot be read, and max_bad_videos is 1\.') as error:
        dataset[NUM_GOOD + 1]
    assert 'videos/empty.webm\n' in str(error.value)
    assert str(error.value).endswith('videos/missing.webm')


def test_nothing_but_bad_videos_ends(folder):
    with pytest.raises(BadVideoError, match='2 of 2 videos cannot be read'):
        build(folder, ['empty.webm', 'missing.webm'])[0]


def test_worker_processes_share_the_count(folder):
    dataset = build(folder, good('empty.webm', 'missing.webm', 'text.webm'))
    for _ in range(2):
        loader = DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=pseudo_collate, timeout=60)
        assert sum(len(batch['inputs']) for batch in loader) == 9
    assert dataset._is_bad.tolist() == [False] * NUM_GOOD + [True] * 3


def test_the_budget_counts_over_workers(folder):
    dataset = build(folder, ['0.webm', 'empty.webm', 'missing.webm', '1.webm'], max_bad_videos=1)
    loader = DataLoader(dataset, batch_size=1, num_workers=2, collate_fn=pseudo_collate, timeout=60)
    with pytest.raises(BadVideoError, match=r'2 of 4 videos cannot be read'):
        list(loader)


def test_an_error_of_a_later_transform_is_not_taken_for_a_bad_video(folder):
    def broken(results):
        raise RuntimeError('a mistake in the code')

    with pytest.raises(RuntimeError, match='a mistake in the code'):
        build(folder, good(), pipeline=[*PIPELINE[:3], broken])[0]


def test_a_subset_keeps_working(folder):
    dataset = build(folder, good('empty.webm')).get_subset([0, 1, NUM_GOOD])
    assert [dataset[index]['inputs'].shape[0] for index in range(3)] == [4, 4, 4]


def test_test_lists_need_no_labels(folder):
    (folder / 'unlabelled.txt').write_text('0.webm\n1.webm\n')
    options = dict(data_prefix=dict(video=str(folder / 'videos')), pipeline=TEST_PIPELINE)
    assert SthV2Dataset(str(folder / 'unlabelled.txt'), test_mode=True, **options)[1]['inputs'].shape[0] == 4
    with pytest.raises(ValueError, match=r'unlabelled\.txt:1: expected 2 fields'):
        SthV2Dataset(str(folder / 'unlabelled.txt'), **options)


def test_the_two_frame_sets_of_twice_sample(folder):
    sample = dict(type='SampleFrames', clip_len=1, num_clips=4, twice_sample=True, test_mode=True)
    dataset = build(folder, good(), pipeline=[PIPELINE[0], sample], test_mode=True)
    np.testing.assert_array_equal(dataset[0]['frame_inds'], [1, 3, 5, 7, 0, 2, 4, 6])


def test_wrong_use(folder):
    with pytest.raises(
        FileNotFoundError, match=r'no annotation file .*none\.txt\. Make it with: python tools/data/prepare_s'
    ):
        SthV2Dataset(str(folder / 'none.txt'), PIPELINE)
    with pytest.raises(FileNotFoundError, match=r'there is no folder .*elsewhere .*prepare_sthv2\.py'):
        build(folder, good(), data_prefix=dict(video='elsewhere'))
    with pytest.raises(ValueError, match=r"data_prefix must name the folder as dict\(video=\.\.\.\), but is \{'img'"):
        build(folder, good(), data_prefix=dict(img='elsewhere'))
    with pytest.raises(ValueError, match=r'\.txt:2: the label must be in \[0, 1\), but is 1'):
        build(folder, good(), num_classes=1)
    with pytest.raises(ValueError, match='multi_class must be False'):
        build(folder, good(), multi_class=True)
    with pytest.raises(ValueError, match='max_bad_videos must be 0 or more, but is -1'):
        build(folder, good(), max_bad_videos=-1)
    with pytest.raises(ValueError, match='needs flip_label_map'):
        build(folder, good(), pipeline=[*PIPELINE[:4], dict(type='Flip', flip_ratio=0.5)])
