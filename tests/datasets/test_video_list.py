import io
import logging
import os
import shutil
import signal

import numpy as np
import pytest
from mmengine.dataset import ClassBalancedDataset, Compose, ConcatDataset, RepeatDataset, pseudo_collate
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from mmvidext.datasets.media.files import BadFileError
from mmvidext.datasets.media.limits import crash_in_child
from mmvidext.datasets.video_list import VideoListDataset
from mmvidext.registry import DATASETS
from tests.datasets.videos import write_bad_videos, write_video, write_with_av

PIPELINE = [
    dict(type='mmvidext.InitVideo'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=4),
    dict(type='mmvidext.DecodeVideo'),
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
    path = tmp_path_factory.mktemp('videos')
    (path / 'videos').mkdir()
    for number in range(NUM_GOOD):
        write_video(path / 'videos' / f'{number}.webm', seed=number)
    write_bad_videos(path / 'videos', path / 'videos' / '0.webm')
    return path


def build(folder, names, **options):
    ann_file = folder / f'list{len(names)}-{abs(hash(tuple(names)))}.txt'
    ann_file.write_text(''.join(f'{name} {label % 2}\n' for label, name in enumerate(names)))
    defaults = dict(data_root=str(folder), data_prefix=dict(video='videos'), num_classes=2, pipeline=PIPELINE)
    defaults |= dict(max_bad_fraction=0.5, max_bad_fraction_per_class=0.5)
    return VideoListDataset(ann_file.name, **{**defaults, **options})


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
    config = dict(type='mmvidext.VideoListDataset', ann_file=str(folder / 'few.txt'), pipeline=PIPELINE, num_classes=2)
    (folder / 'few.txt').write_bytes(b'\xef\xbb\xbf0.webm 1\r\n')
    dataset = DATASETS.build({**config, 'data_prefix': dict(video=str(folder / 'videos'))})
    assert len(dataset) == 1


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('missing.webm', 'does not exist'),
        ('empty.webm', 'is empty'),
        ('truncated.webm', 'is truncated or damaged: [0-9]+ frames are left'),
        ('text.webm', r'\(codec unknown\) cannot be decoded: Invalid data'),
    ],
)
def test_a_bad_video_is_an_error_in_test_and_replaced_in_training(folder, name, reason, caplog):
    with pytest.raises(BadFileError, match=rf'videos/{name} {reason}'):
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
        'mmvidext.datasets.media.policy.print_log', lambda text, **options: messages.append((text, options))
    )
    dataset = build(folder, good('empty.webm', 'missing.webm'))
    for _ in range(3):
        for index in range(len(dataset)):
            dataset[index]
    assert len(messages) == 2
    assert messages[0][0].startswith('bad video 1 of 8, replaced: ')
    assert messages[0][0].endswith('empty.webm is empty')
    assert messages[0][1]['level'] == logging.WARNING


def test_too_many_bad_videos_stop_the_training_and_are_listed(folder):
    dataset = build(folder, good('empty.webm', 'missing.webm'), max_bad_fraction=0.2)
    dataset[NUM_GOOD]
    with pytest.raises(BadFileError, match=r'2 of 8 videos cannot be read, and max_bad_fraction is 0\.2\.') as error:
        dataset[NUM_GOOD + 1]
    assert 'videos/missing.webm does not exist\n' in str(error.value)
    assert str(error.value).endswith('videos/empty.webm is empty')
    assert [path.rsplit('/')[-1] for path in dataset.bad_files()] == ['empty.webm', 'missing.webm']


def test_one_bad_video_is_always_allowed(folder):
    dataset = build(folder, good('empty.webm'), max_bad_fraction=0, max_bad_fraction_per_class=0)
    assert dataset[NUM_GOOD]['data_samples'].filename.endswith(tuple(good()))


def test_no_class_may_lose_too_many(folder):
    names = good('1.webm', 'empty.webm', 'missing.webm', 'text.webm')
    (folder / 'classes.txt').write_text(''.join(f'{n} {int(i >= 6)}\n' for i, n in enumerate(dict.fromkeys(names))))
    options = dict(data_root=str(folder), data_prefix=dict(video='videos'), pipeline=PIPELINE, max_bad_fraction=1.0)
    dataset = VideoListDataset('classes.txt', **options, max_bad_fraction_per_class=0.1)
    dataset[6]
    with pytest.raises(BadFileError, match=r'2 of 3 videos of class 1 .*, and max_bad_fraction_per_class is 0\.1'):
        dataset[7]
    dataset = VideoListDataset('classes.txt', **options, max_bad_fraction_per_class=1.0)
    dataset[6], dataset[7]
    with pytest.raises(BadFileError, match='3 of 3 videos of class 1 cannot be read'):
        dataset[8]


def test_nothing_but_bad_videos_ends(folder):
    with pytest.raises(BadFileError, match=r'1 of 1 videos of class [01] cannot be read'):
        build(folder, ['empty.webm', 'missing.webm'])[0]


def test_worker_processes_share_the_count(folder):
    dataset = build(folder, good('empty.webm', 'missing.webm', 'text.webm'))
    for _ in range(2):
        loader = DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=pseudo_collate, timeout=60)
        assert sum(len(batch['inputs']) for batch in loader) == 9
    assert dataset._is_bad.tolist() == [False] * NUM_GOOD + [True] * 3


def test_the_budget_counts_over_workers(folder):
    dataset = build(folder, ['0.webm', 'empty.webm', 'missing.webm', '1.webm'], max_bad_fraction=0.25)
    loader = DataLoader(dataset, batch_size=1, num_workers=2, collate_fn=pseudo_collate, timeout=60)
    with pytest.raises(BadFileError, match=r'2 of 4 videos cannot be read'):
        list(loader)


def test_an_error_of_a_later_transform_is_not_taken_for_a_bad_video(folder):
    def broken(results):
        raise RuntimeError('a mistake in the code')

    with pytest.raises(RuntimeError, match='a mistake in the code'):
        build(folder, good(), pipeline=[*PIPELINE[:3], broken])[0]


def test_a_subset_keeps_working(folder):
    dataset = build(folder, good('empty.webm')).get_subset([0, 1, NUM_GOOD])
    assert [dataset[index]['inputs'].shape[0] for index in range(3)] == [4, 4, 4]


@pytest.mark.parametrize('decoder', ['Decord', 'OpenCV', 'PyAV'])
def test_bad_videos_with_the_decoders_of_mmaction(folder, decoder):
    pytest.importorskip('decord')
    own = [dict(type=f'{decoder}Init'), {**PIPELINE[1], 'test_mode': True}, dict(type=f'{decoder}Decode')]
    (folder / 'videos' / 'garbage.avi').write_bytes(bytes(range(256)) * 50)
    with pytest.raises(BadFileError, match=r'videos/garbage\.avi .*cannot be (read|decoded)'):
        build(folder, good('garbage.avi'), pipeline=[*own, *TEST_PIPELINE[3:]], test_mode=True)[NUM_GOOD]
    replaced = build(folder, good('garbage.avi'), pipeline=[*own, *PIPELINE[3:]], max_bad_fraction=0.99)
    if decoder != 'PyAV':  # which finds no frames in any WebM file
        assert replaced[NUM_GOOD]['data_samples'].filename.endswith('.webm')


class DecordThatDies:
    """As decord does at some files that PyAV reads."""

    def __call__(self, results):
        if 'deadly' in results['filename']:
            os.kill(os.getpid(), signal.SIGSEGV)
        return results


def replaced_in_workers(folder, name, pipeline):
    """Train on the good videos and a bad one, in workers: what a decoder kills is not the process of the tests."""
    dataset = build(folder, good(name), pipeline=pipeline)
    loader = DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=pseudo_collate, timeout=60)
    assert sum(len(batch['inputs']) for batch in loader) == NUM_GOOD + 1
    return [path.rsplit('/')[-1] for path in dataset.bad_files()]


def test_a_decoder_that_dies_ends_one_child_and_not_the_run(folder):
    shutil.copy(folder / 'videos' / '1.webm', folder / 'videos' / 'deadly.webm')
    assert replaced_in_workers(folder, 'deadly.webm', [DecordThatDies(), *PIPELINE]) == ['deadly.webm']
    dies = r'videos/deadly\.webm cannot be read: the decoder DecordThatDies dies \(SIGSEGV\) \(codec vp9\); mmvidext'
    with pytest.raises(BadFileError, match=dies):
        build(folder, good('deadly.webm'), pipeline=[DecordThatDies(), *TEST_PIPELINE], test_mode=True)[NUM_GOOD]


def test_a_video_that_kills_decord_and_not_pyav(folder):
    """The index of an AVI says that it has 4 GB; mmaction2's DecordInit hands the content over, not the path."""
    decord = pytest.importorskip('decord')
    path = folder / 'videos' / 'index.avi'
    content = bytearray(write_with_av(path, num_frames=48).read_bytes())
    size = content.rfind(b'idx1') + 4
    content[size : size + 4] = b'\xff' * 4
    path.write_bytes(content)
    if crash_in_child(lambda: decord.VideoReader(io.BytesIO(content)).get_batch([0, 40]), 60) is None:
        pytest.skip('this decord survives it')
    own = [dict(type='DecordInit'), {**PIPELINE[1], 'test_mode': True}, dict(type='DecordDecode')]
    assert replaced_in_workers(folder, 'index.avi', [*own, *PIPELINE[3:]]) == ['index.avi']
    dies = r'videos/index\.avi cannot be read: the decoder DecordInit dies \(SIG\w+\) \(codec mpeg4\); mmvidext'
    with pytest.raises(BadFileError, match=dies):
        build(folder, good('index.avi'), pipeline=[*own, *TEST_PIPELINE[3:]], test_mode=True)[NUM_GOOD]


def test_a_damage_that_decord_conceals_is_found(folder):
    """It gives 13 of 30 frames, and says nothing."""
    decord = pytest.importorskip('decord')
    path = folder / 'videos' / 'noise.webm'
    write_video(path, num_frames=30)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 60] = np.random.default_rng(0).bytes(60)
    path.write_bytes(content)
    assert len(decord.VideoReader(io.BytesIO(content))) < 30
    own = [dict(type='DecordInit'), {**PIPELINE[1], 'test_mode': True}, dict(type='DecordDecode'), *TEST_PIPELINE[3:]]
    with pytest.raises(BadFileError, match=r'videos/noise\.webm is truncated or damaged: \d+ frames are left'):
        build(folder, good('noise.webm'), pipeline=own, test_mode=True)[NUM_GOOD]


@pytest.mark.parametrize('name', ['cut.avi', 'cut.mp4'])
def test_a_truncated_avi_does_not_crash_decord_whatever_its_name(folder, name):
    pytest.importorskip('decord')
    write_with_av(folder / 'videos' / 'whole.avi', num_frames=90)
    content = (folder / 'videos' / 'whole.avi').read_bytes()
    (folder / 'videos' / name).write_bytes(content[: len(content) * 4 // 5])
    own = [dict(type='DecordInit'), {**PIPELINE[1], 'test_mode': True}, dict(type='DecordDecode'), *TEST_PIPELINE[3:]]
    assert build(folder, good('whole.avi'), pipeline=own, test_mode=True)[NUM_GOOD]['inputs'].shape[0] == 4
    with pytest.raises(BadFileError, match=rf'videos/{name} is (truncated or )?damaged: .* frames are left'):
        build(folder, good(name), pipeline=own, test_mode=True)[NUM_GOOD]


def test_a_video_that_another_decoder_can_read(folder):
    """AV1, which decord does not know, or WebM for mmaction2's PyAVInit, which finds no number of frames in it."""
    own = [dict(type='PyAVInit'), {**PIPELINE[1], 'test_mode': True}, dict(type='PyAVDecode'), *TEST_PIPELINE[3:]]
    with pytest.raises(
        BadFileError, match=r'0\.webm cannot be read: .* \(codec vp9\); mmvidext\.InitVideo and mmvidext\.DecodeVideo'
    ):
        build(folder, good(), pipeline=own, test_mode=True)[0]


def test_a_fifo_in_the_place_of_a_video_does_not_hang(folder):
    os.mkfifo(folder / 'videos' / 'fifo.mp4')
    for init in ('mmvidext.InitVideo', 'OpenCVInit'):
        pipeline = [dict(type=init), *TEST_PIPELINE[1:]]
        with pytest.raises(BadFileError, match=r'videos/fifo\.mp4 is not a regular file'):
            build(folder, good('fifo.mp4'), pipeline=pipeline, test_mode=True)[NUM_GOOD]
    assert build(folder, good('fifo.mp4'))[NUM_GOOD]['data_samples'].filename.endswith(tuple(good()))


def test_an_address_in_a_list_is_looked_for_in_the_folder(folder):
    with pytest.raises(BadFileError, match=r'http://127\.0\.0\.1/7\.webm does not exist'):
        build(folder, good('http://127.0.0.1/7.webm'), test_mode=True)[NUM_GOOD]


def test_lists_without_labels_only_if_asked_for(folder):
    (folder / 'unlabeled.txt').write_text('0.webm\n1.webm\n')
    options = dict(data_prefix=dict(video=str(folder / 'videos')), pipeline=TEST_PIPELINE, test_mode=True)
    path = str(folder / 'unlabeled.txt')
    assert VideoListDataset(path, with_labels=False, **options)[1]['inputs'].shape[0] == 4
    with pytest.raises(ValueError, match=r'unlabeled\.txt:1: expected 2 fields'):
        VideoListDataset(path, **options)
    with pytest.raises(ValueError, match='with_labels=False needs test_mode=True'):
        VideoListDataset(path, with_labels=False, **{**options, 'test_mode': False})


def test_several_labels(folder):
    (folder / 'many.txt').write_text('0.webm 0 2\n1.webm 1\n')
    options = dict(data_prefix=dict(video=str(folder / 'videos')), pipeline=TEST_PIPELINE, test_mode=True)
    dataset = VideoListDataset(str(folder / 'many.txt'), multi_class=True, num_classes=3, **options)
    assert dataset.get_data_info(0)['label'].tolist() == [1, 0, 1]
    assert dataset.get_cat_ids(0) == [0, 2]
    assert dataset[0]['data_samples'].gt_label.tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match='multi_class=True needs num_classes'):
        VideoListDataset(str(folder / 'many.txt'), multi_class=True, **options)


def test_a_flip_exchanges_each_of_several_labels(folder):
    (folder / 'many.txt').write_text('0.webm 0 2\n1.webm 1\n2.webm 0 1\n')
    dataset = VideoListDataset(
        str(folder / 'many.txt'),
        [{**one, 'flip_ratio': 1.0} if one['type'] == 'Flip' else one for one in PIPELINE],
        data_prefix=dict(video=str(folder / 'videos')),
        multi_class=True,
        num_classes=3,
    )
    labels = [dataset[index]['data_samples'].gt_label.tolist() for index in range(3)]
    assert labels == [[0, 1, 1], [1, 0, 0], [1, 1, 0]]


def test_in_the_wrappers_of_mmengine(folder):
    dataset = build(folder, good('empty.webm'))
    assert len(ClassBalancedDataset(dataset, oversample_thr=0.5)) == 4 + 2 * 3  # the rarer class twice
    for wrapper in (RepeatDataset(dataset, 2), ConcatDataset([dataset, build(folder, good())])):
        filenames = [wrapper[index]['data_samples'].filename for index in range(len(wrapper))]
        assert not any(name.endswith('empty.webm') for name in filenames)


def test_paths_out_of_the_folder(folder):
    with pytest.raises(ValueError, match=r'\.txt:1: \.\./videos/0\.webm leads out of the data folder'):
        build(folder, ['../videos/0.webm'])
    assert len(build(folder, ['../videos/0.webm'], allow_outside=True)) == 1
    absolute = str(folder / 'videos' / '0.webm')
    with pytest.raises(ValueError, match='leads out of the data folder'):
        build(folder, [absolute])
    (folder / 'absolute.txt').write_text(f'{absolute} 0\n')  # without a folder there is none to lead out of
    assert len(VideoListDataset(str(folder / 'absolute.txt'), PIPELINE)) == 1


def test_the_two_frame_sets_of_twice_sample(folder):
    sample = dict(type='SampleFrames', clip_len=1, num_clips=4, twice_sample=True, test_mode=True)
    dataset = build(folder, good(), pipeline=[PIPELINE[0], sample], test_mode=True)
    np.testing.assert_array_equal(dataset[0]['frame_inds'], [1, 3, 5, 7, 0, 2, 4, 6])


def test_a_pipeline_that_watches_its_steps(folder):
    """browse_dataset of mmaction2 puts such a one in the place of the data set's own."""

    class Watching(Compose):
        def __call__(self, data):
            return {**super().__call__(data), 'watched': True}

    dataset = build(folder, good('text.webm'))
    dataset.pipeline = Watching(dataset.pipeline.transforms)
    assert dataset[0]['watched']
    assert dataset[NUM_GOOD]['watched']
    assert dataset.bad_paths() == [str(folder / 'videos' / 'text.webm')]


def test_wrong_use(folder):
    hint = dict(hint='Make it with: make lists')
    with pytest.raises(FileNotFoundError, match=r'no annotation file .*none\.txt\. Make it with: make lists'):
        VideoListDataset(str(folder / 'none.txt'), PIPELINE, **hint)
    with pytest.raises(FileNotFoundError, match=r'there is no folder .*elsewhere .*\. Make it with: make lists'):
        build(folder, good(), data_prefix=dict(video='elsewhere'), **hint)
    with pytest.raises(ValueError, match=r"data_prefix must name the folder as dict\(video=\.\.\.\), but is \{'img'"):
        build(folder, good(), data_prefix=dict(img='elsewhere'))
    with pytest.raises(ValueError, match=r'\.txt:2: the label must be in \[0, 1\), but is 1'):
        build(folder, good(), num_classes=1, pipeline=TEST_PIPELINE)
    with pytest.raises(ValueError, match=r'max_bad_fraction must be in \[0, 1\], but is 100'):
        build(folder, good(), max_bad_fraction=100)
