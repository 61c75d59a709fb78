"""Any recognizer on videos: the probabilities are those of a validation, whatever the head gives."""

import codecs
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from mmvidext.apis import VideoRecognizer
from mmvidext.apis.clip_window import ClipWindow
from mmvidext.apis.frame_sources import Source, open_source
from mmvidext.apis.trained_model import find_model
from mmvidext.cli.predict import predict
from tests.apis.online_config import online_config
from tests.apis.test_flow_inferencer import in_one_buffer
from tests.cli.invoke import invoke
from tests.configs.paths import CONFIGS
from tests.datasets.videos import write_video, write_with_av

CLASSES = ('turn left', '向右', 'über')
SMALL = dict(short_side=32, crop_size=32)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Two videos below a folder, one of them with a name that the other has, too, and no video."""
    root = tmp_path_factory.mktemp('some videos')
    write_video(root / '一 a.webm', num_frames=20, size=(48, 36))
    write_with_av(root / '一 a.avi', num_frames=30, size=(48, 36))
    (root / 'broken.mp4').write_bytes(b'no video' * 9)
    (root / '.list.txt').write_text('一 a.webm\t0\n')
    return root


def small_config(name, folder, **head):
    from mmvidext.cli.config import load_config

    cfg = load_config(CONFIGS / f'{name}_small_data.py', [f'{key}={value}' for key, value in SMALL.items()])
    cfg.model.cls_head.update(num_classes=3, init_std=1.0, **head)
    cfg.val_dataloader.dataset.update(
        ann_file=str(folder / '.list.txt'),
        data_prefix=dict(video=str(folder)),
        num_classes=3,
        metainfo=dict(classes=CLASSES),
    )
    return cfg


@pytest.fixture(scope='module')
def work_dir(folder, tmp_path_factory):
    """What training leaves: a config, and checkpoints with the names of the classes."""
    path = tmp_path_factory.mktemp('work dir')
    config = small_config('tsm_r18', folder)
    recognizer = VideoRecognizer(config)
    config.val_dataloader.dataset.metainfo = None  # the names come from the checkpoint
    config.dump(str(path / 'tsm_r18.py'))
    meta = dict(dataset_meta=dict(classes=CLASSES))
    for name in ('best_acc_top1_epoch_3.pth', 'epoch_4.pth'):
        torch.save(dict(meta=meta, state_dict=recognizer.model.state_dict()), path / name)
    return path


@pytest.mark.parametrize(
    ('name', 'head', 'activate'),
    [
        ('tsm_r18', {}, lambda scores: scores.softmax(-1)),
        ('tsm_r18', dict(average_clips=None), lambda scores: scores),
        ('tsm_r18', dict(loss_cls=dict(type='BCELossWithLogits')), lambda scores: scores.sigmoid()),
        ('r2plus1d_r18', {}, lambda scores: scores),
    ],
)
def test_a_video_gets_what_a_validation_gives_it(folder, name, head, activate):
    config = small_config(name, folder, **head)
    recognizer = VideoRecognizer(config)
    init_default_scope('mmaction')
    sample = DATASETS.build(config.val_dataloader.dataset)[0]
    with torch.inference_mode():
        batch = dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']])
        expected = activate(recognizer.model.test_step(batch)[0].pred_score)
    found = recognizer(folder / '一 a.webm', window=20 / 12)
    assert torch.allclose(torch.from_numpy(found.probabilities), expected, atol=1e-4)
    assert recognizer.classes == list(CLASSES)
    assert [name for name, _ in found.top(2)] == [CLASSES[index] for index in expected.argsort(descending=True)[:2]]


def test_windows_slide(folder):
    recognizer = VideoRecognizer(small_config('tsm_r18', folder))
    run = recognizer.run(open_source(folder / '一 a.avi'), window=1, stride=0.5)
    latest = [prediction and prediction.end for _, prediction in run]
    assert latest == [None] * 5 + [0.5] * 6 + [1.0] * 6 + [1.5] * 6 + [2.0] * 6 + [2.5]
    result = run.result()
    assert [window.begin for window in result.windows] == [0, 0, 0.5, 1, 1.5]
    full = [window.probabilities for window in result.windows[1:]]
    assert np.allclose(result.probabilities, np.mean(full, axis=0))
    for stride in (0, float('nan'), float('inf')):
        with pytest.raises(ValueError, match=f'stride must be a finite number of seconds above 0, but is {stride}'):
            recognizer.run(open_source(folder / '一 a.avi'), stride=stride)


def test_a_source_without_end_keeps_its_latest_windows(monkeypatch):
    monkeypatch.setattr('mmvidext.apis.video_recognizer.MOST_WINDOWS', 2)
    recognizer = VideoRecognizer(online_config(causal=False))
    values = iter(np.eye(5, dtype=np.float32).repeat(2, 0))
    monkeypatch.setattr(recognizer, 'probabilities', lambda window: next(values))
    frames = np.zeros((10, 8, 8, 3), np.uint8)
    run = recognizer.run(Source(iter(frames), 0, 1.0), window=1, stride=1)
    assert max(len(run.windows) for _ in run) < 4
    result = run.result()
    assert [window.end for window in result.windows[-2:]] == [9, 10]
    assert np.allclose(result.probabilities, 0.2)  # the mean over all ten


def test_a_window_keeps_small_frames_and_begins_anew_with_another_size(folder):
    config = small_config('r2plus1d_r18', folder)
    window = ClipWindow(config, 30.0)
    assert window.length == 32
    assert ClipWindow(small_config('tsm_r18', folder), 30.0).length == 300
    for _ in range(40):
        window.push(np.zeros((360, 640, 3), np.uint8))
    assert (len(window), window._frames[0].shape) == (32, (32, 57, 3))
    window.push(np.zeros((480, 640, 3), np.uint8))
    assert len(window) == 1
    assert window.clip()['inputs'].shape == (1, 3, 16, 32, 32)
    for seconds in (-1, 0, float('nan'), float('inf')):
        with pytest.raises(ValueError, match=f'window must be a finite number of seconds above 0, but is {seconds}'):
            ClipWindow(config, 30.0, seconds=seconds)
    assert ClipWindow(config, 30.0, seconds=1e300).length == 2**31


def test_dense_sampling_looks_at_one_window_of_64_frames():
    """A longer window has ten positions, as in a validation."""
    config = online_config(causal=False)
    config.val_dataloader.dataset.pipeline[1].type = 'DenseSampleFrames'
    for seconds, length, frames in ((None, 64, 3), (4, 120, 30)):
        window = ClipWindow(config, 30.0, seconds=seconds)
        for number in range(130):
            window.push(np.full((32, 32, 3), number, np.uint8))
        inputs = window.clip()['inputs']
        assert (len(window), len(inputs)) == (length, frames)
        first = 130 - length
        assert inputs[:3, 0, 0, 0].tolist() == [first, first + 21, first + 42]


def test_a_source_may_state_an_odd_rate_and_use_one_buffer():
    config = online_config(causal=False)
    config.val_dataloader.dataset.pipeline.pop(3)  # Resize, which copies
    recognizer = VideoRecognizer(config)
    frames = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)
    expected = recognizer(Source(iter(frames), 6, 25.0))
    for rate in (0.0, -1.0, float('nan'), float('inf'), 90000.0):
        result = recognizer(Source(in_one_buffer(frames), 6, rate))
        np.testing.assert_array_equal(result.probabilities, expected.probabilities)
        assert result.windows[-1].end == expected.windows[-1].end


def test_scores_that_are_not_finite_are_an_error():
    recognizer = VideoRecognizer(online_config(causal=False))
    recognizer.model.cls_head.fc_cls.bias.data[2] = float('nan')
    frames = np.zeros((3, 32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match='the scores of the model are not finite: check its weights'):
        recognizer(Source(iter(frames), 3, 25.0))


def test_the_names_travel_in_the_checkpoint(folder, work_dir, tmp_path):
    output = invoke(
        predict, work_dir, folder, '--out', tmp_path / 'drawn', '--results', tmp_path / 'all.json', '--top', 2, status=1
    )
    assert '一 a.webm: 20 frames' in output
    assert 'broken.mp4' in output
    content = json.loads((tmp_path / 'all.json').read_text())
    assert content['classes'] == list(CLASSES)
    assert [len(one.get('windows', ())) for one in content['videos']] == [5, 4, 0]
    assert 'cannot be decoded' in content['videos'][2]['problem']
    assert sum(content['videos'][0]['probabilities']) == pytest.approx(1, abs=1e-4)
    assert {path.name for path in (tmp_path / 'drawn').iterdir()} == {'一 a.mp4', '一 a.webm.mp4'}
    drawn = open_source(tmp_path / 'drawn' / '一 a.webm.mp4')
    frames = list(drawn.frames)
    assert len(frames) == 20
    assert frames[0].shape == (252, 336, 3)  # enlarged, so that names can be read
    assert not np.allclose(frames[0][:40], frames[-1][:40], atol=20)


def test_one_video_to_csv(folder, work_dir, tmp_path):
    checkpoint = work_dir / 'best_acc_top1_epoch_3.pth'
    invoke(predict, checkpoint, folder / '一 a.avi', '--results', tmp_path / 'one.csv', '--window', 1)
    assert (tmp_path / 'one.csv').read_bytes().startswith(codecs.BOM_UTF8)  # or Excel shows names in Chinese as garbage
    head, line = (tmp_path / 'one.csv').read_text(encoding='utf-8-sig').splitlines()
    assert head == 'video,class_1,probability_1,class_2,probability_2,class_3,probability_3,problem'  # no class 4
    assert sorted(line.split(',')[1:-1:2]) == sorted(CLASSES)
    assert line.split(',')[0] == str(folder / '一 a.avi')


@pytest.mark.parametrize('suffix', ['.csv', '.json'])
def test_a_truncated_video_is_recognized_as_far_as_it_can_be_read(suffix, work_dir, tmp_path):
    (tmp_path / 'cut').mkdir()
    path = write_with_av(tmp_path / 'cut' / 'a.mkv', num_frames=40, size=(48, 36))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    results = tmp_path / f'all{suffix}'
    printed = invoke(predict, work_dir, path.parent, '--results', results, '--top', 1, status=1)
    assert ' s  ' not in printed  # the lines of a stream without end, which have no name
    count = int(printed.split(f'{path}: ')[-1].split(' frames')[0])
    assert 0 < count < 40
    if suffix == '.csv':
        _, name, probability, problem = results.read_text(encoding='utf-8-sig').splitlines()[1].split(',', 3)
    else:
        (one,) = json.loads(results.read_text())['videos']
        name, probability, problem = *one['top'][0].values(), one['problem']
        assert one['num_frames'] == count
    assert name in CLASSES
    assert float(probability) > 1 / 3
    assert f'what can be read, {count} frames, was processed' in problem


def test_the_output_for_a_folder_of_videos_is_no_file(folder, tmp_path):
    printed = invoke(predict, 'camera-motion', folder, '--out', tmp_path / 'all.mp4', status=1)
    assert '--out must be a folder for a folder of videos, but is' in printed
    assert not (tmp_path / 'all.mp4').exists()


def test_find_model(work_dir, tmp_path):
    config, best = str(work_dir / 'tsm_r18.py'), str(work_dir / 'best_acc_top1_epoch_3.pth')
    assert find_model(work_dir) == (config, best, ())
    assert find_model(work_dir, 'other.pth') == (config, 'other.pth', ())
    assert find_model(work_dir / 'epoch_4.pth') == (config, str(work_dir / 'epoch_4.pth'), ())
    assert find_model('mmvidext::x', 'a.pth') == ('mmvidext::x', 'a.pth', ())
    for model, message in (
        (tmp_path, 'there is no config in .*, where training writes one'),
        (tmp_path / 'no.pth', 'no such file'),
        ('https://there/a.pth', 'its config is unknown: give a config'),
    ):
        with pytest.raises(FileNotFoundError, match=message):
            find_model(model)
    with pytest.raises(ValueError, match='is a checkpoint already'):
        find_model(best, 'other.pth')
    (tmp_path / 'a.py').write_text(Config(dict(a=1)).pretty_text)
    with pytest.raises(FileNotFoundError, match='no whole checkpoint'):
        find_model(tmp_path)
