"""One's own videos, frames and labels, frames and flow: checked, split, and written as a config that trains."""

import json
import os
import re
import shutil

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from PIL import Image

from mmvidext.cli.config_names import ConfigError
from mmvidext.cli.data import data
from mmvidext.cli.ready_config import config_of_data, segmentation_config
from mmvidext.datasets.flow_io import write_flo
from mmvidext.datasets.own_data.report import describe_folders
from mmvidext.datasets.own_data.video_folders import PreparedFolders, prepare_folders
from tests.cli.invoke import invoke
from tests.datasets.videos import write_video, write_with_av

CODECS = {'.webm': None, '.mp4': 'libx264', '.avi': 'mpeg4', '.mkv': 'mpeg4'}


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """Three classes with spaces and Chinese in their names, mixed containers, and files that are no video."""
    root = tmp_path_factory.mktemp('own data') / 'my vidéos 视频'
    for number, name in enumerate(('turn left', '向右', 'noch eine')):
        (root / name).mkdir(parents=True)
        for suffix, codec in CODECS.items():
            path = root / name / f'clip {number}{suffix}'
            if codec is None:
                write_video(path, seed=number)
            else:
                write_with_av(path, codec=codec, num_frames=8 + number)
    (root / 'turn left' / 'broken.mp4').write_bytes(b'no video' * 20)
    (root / '向右' / 'pictures').mkdir()
    for number in (2, 10, 1):
        cv2.imwrite(str(root / '向右' / 'pictures' / f'{number}.png'), np.full((24, 32, 3), number, np.uint8))
    return root


def test_folders_of_classes(videos):
    output = invoke(data, 'folder', videos, '--workers', 1, '--val', 0.3)
    assert '13 videos can be used' in output
    assert f"train with: mmvidext train '{videos}' --model ms_tsm_r18" in output
    assert '| turn left | 4 | 4 | 3 | 1 |' in output
    assert 'turn left/broken.mp4 | (codec unknown) cannot be decoded: Invalid data' in output
    assert (videos / 'classes.txt').read_text().splitlines() == ['noch eine', 'turn left', '向右']
    lines = [(videos / f'{split}.txt').read_text().splitlines() for split in ('train', 'val')]
    assert sorted(lines[0] + lines[1])[-1].split('\t') == ['向右/pictures', '2']
    checked = len((videos / 'checked_videos.jsonl').read_text().splitlines())
    invoke(data, 'folder', videos, '--workers', 0, '--val', 0.3)  # what was good is not checked again
    again = (videos / 'checked_videos.jsonl').read_text().splitlines()[checked:]
    assert [json.loads(line)[2]['problem'] is None for line in again if line] == [False]


def test_the_config_reads_every_video(videos, monkeypatch, tmp_path):
    invoke(data, 'folder', videos, '--workers', 0, '--out', tmp_path / 'lists', '--model', 'r2plus1d_r18')
    monkeypatch.chdir(tmp_path)
    config = Config.fromfile(config_of_data(tmp_path / 'lists', 'tsm_r18'))
    assert (config.model.backbone.type, config.model.cls_head.num_classes) == ('mmvidext.TSMResNet', 3)
    assert config.work_dir == 'work_dirs/lists_tsm_r18'
    init_default_scope('mmaction')
    datasets = [DATASETS.build(config[f'{split}_dataloader'].dataset) for split in ('train', 'val', 'test')]
    assert sum(map(len, datasets[:2])) == 13
    for dataset in datasets:
        assert dataset.metainfo['classes'] == ('noch eine', 'turn left', '向右')
        assert all(dataset[index]['inputs'].shape == (8, 3, 96, 96) for index in range(len(dataset)))


@pytest.mark.parametrize('name', ['train.txt', 'test.txt', 'classes.txt', 'report.md'])
def test_a_file_that_no_earlier_run_has_written_stays(videos, tmp_path, name):
    (tmp_path / name).write_text('mine')
    output = ' '.join(invoke(data, 'folder', videos, '--out', tmp_path, '--workers', 0, status=1).split())
    assert (
        f'{name} would be replaced, and this version of mmvidext has not written it, or it was changed since: rename it'
        in output
    )
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: 'mine'}


def test_a_second_run_replaces_its_own_files_but_no_changed_one(tmp_path):
    for number in range(4):
        write_video(tmp_path / 'v' / 'ab'[number % 2] / f'{number}.webm', seed=number)
    (tmp_path / 'list.csv').write_text(
        'path,label,split\na/0.webm,x,train\nb/1.webm,y,train\na/2.webm,x,val\nb/3.webm,y,test\n'
    )
    out = tmp_path / 'out'
    arguments = ('folder', tmp_path / 'v', '--out', out, '--annotations', tmp_path / 'list.csv', '--workers', 0)
    invoke(data, *arguments)
    assert (out / 'test.txt').read_text() == 'b/3.webm\t1\n'
    (tmp_path / 'list.csv').write_text('path,label,split\na/0.webm,z,train\nb/1.webm,y,train\nb/3.webm,y,val\n')
    invoke(data, *arguments)
    assert not (out / 'test.txt').exists()
    assert (out / 'val.txt').read_text() == 'b/3.webm\t0\n'
    assert (out / 'classes.txt').read_text() == 'y\nz\n'
    (out / 'val.txt').write_text('a/0.webm\t1\n')
    assert 'val.txt would be replaced' in invoke(data, *arguments, status=1)


def test_a_name_that_is_no_utf_8(tmp_path):
    """Is left out and said; the lists of the run before are not lost."""
    for number in range(4):
        write_video(tmp_path / 'ab'[number % 2] / f'{number}.webm', seed=number)
    os.rename(tmp_path / 'a' / '0.webm', os.fsencode(tmp_path / 'a') + b'/caf\xe9.webm')
    write_video(tmp_path / 'a' / '5.webm', seed=5)
    output = invoke(data, 'folder', tmp_path, '--workers', 0)
    assert r'/a/caf\udce9.webm | has a line end, tab, control character, outer space or bytes' in output
    assert r'a/caf\udce9.webm' in (tmp_path / 'report.md').read_text()
    assert (tmp_path / 'train.txt').exists()


def test_what_somebody_has_changed_in_a_config_is_kept(videos, tmp_path):
    lists, command = tmp_path / 'lists', ('folder', tmp_path / 'videos', '--workers', 0, '--out', tmp_path / 'lists')
    for name in ('turn left', '向右'):
        shutil.copytree(videos / name, tmp_path / 'videos' / name)
    invoke(data, *command)
    written = config_of_data(lists, 'tsm_r18')  # as it was written, too
    shutil.copytree(videos / 'noch eine', tmp_path / 'videos' / 'noch eine')
    for model in ('ms_tsm_r18', 'tsm_r18'):
        assert f', report.md, {model}.py in {lists}' in invoke(data, *command, '--model', model)
    assert 'num_classes = 3\n' in written.read_text()
    config = lists / 'ms_tsm_r18.py'
    mine = config.read_text().replace('num_classes = 3', 'num_classes = 4') + 'learning_rate = 0.123\n'
    config.write_text(mine)
    said = f'{config} was changed since it was written, or an older version wrote it, and is kept. A new one, '
    output = invoke(data, *command)
    assert f', report.md in {lists}' in output
    assert said + 'which you get when you rename it, would have: num_classes = 3\n' in output
    assert config.read_text() == mine
    copied = config_of_data(lists, 'tsn_r18')
    assert 'learning_rate = 0.123' in copied.read_text()
    assert 'tsn_r18.py was changed since it was written' in invoke(data, *command, '--model', 'tsn_r18')


def test_a_config_of_the_users_own_is_never_written_over(videos, tmp_path):
    command = ('folder', videos, '--workers', 0, '--out', tmp_path)
    invoke(data, *command)
    (tmp_path / 'tsm_r18.py').write_bytes(b'# caf\xe9\n')
    output = invoke(data, *command, '--model', 'tsm_r18', status=1)
    assert (
        output == f'Error: {tmp_path}/tsm_r18.py would be overwritten, and mmvidext data did not write it: rename it\n'
    )
    with pytest.raises(ConfigError, match=r'/tsm_r18\.py would be overwritten'):
        config_of_data(tmp_path, 'tsm_r18')
    assert config_of_data(tmp_path, None) == tmp_path / 'ms_tsm_r18.py'


def test_annotations_that_lead_outside(videos, tmp_path):
    """Are refused with their line, unless that is allowed; then the config allows it, too."""
    inside, outside = '向右/clip 1.mp4', videos / 'noch eine' / 'clip 2.mp4'
    (tmp_path / 'list.txt').write_text(f'{inside}\t0\n../turn left/clip 0.mp4\t1\n{outside}\t0\n')
    arguments = ('folder', videos / '向右', '--annotations', tmp_path / 'list.txt', '--out', tmp_path / 'out')
    output = invoke(data, *arguments, '--workers', 0, status=1)
    assert output == (
        f'Error: {tmp_path}/list.txt:2: ../turn left/clip 0.mp4 leads out of {videos}/向右; if that is meant, '
        'give --allow-outside (allow_outside=True)\n'
    )
    (tmp_path / 'list.txt').write_text(f'clip 1.mp4\t0\n../turn left/clip 0.mp4\t1\n{outside}\t0\n')
    invoke(data, *arguments, '--workers', 0, '--allow-outside', '--val', 0.5)
    dataset = Config.fromfile(tmp_path / 'out' / 'ms_tsm_r18.py').train_dataloader.dataset
    assert dataset.allow_outside
    assert str(outside) in ''.join((tmp_path / 'out' / f'{split}.txt').read_text() for split in ('train', 'val'))


@pytest.mark.parametrize(
    ('arguments', 'status', 'message'),
    [
        (['--model', 'tsm_r81'], 1, 'tsn_r18; did you mean tsm_r18?'),
        (['--val', 1], 2, '1.0 is not in the range 0<x<1'),
        (['--recordings', '('], 1, 'must be an expression with a group'),
    ],
)
def test_wrong_options(videos, tmp_path, arguments, status, message):
    arguments = [videos, '--out', tmp_path, *arguments, '--workers', 0]
    assert message in ' '.join(invoke(data, 'folder', *arguments, status=status).split())


def write_frames(folder, count, suffix='.png', size=(32, 48)):
    folder.mkdir(parents=True)
    for number in range(count):
        cv2.imwrite(str(folder / f'{number}{suffix}'), np.full((*size, 3), number, np.uint8))


def test_segmentation(tmp_path):
    for video, value in (
        ('a 1', 7),
        ('b', 7),
        ('视频', 26),
        ('d', 26),
        ('bad', 7),
        ('b ', 26),
        ('c\nd', 26),
        ('two', 7),
    ):
        write_frames(tmp_path / 'frames' / video, 4, '.jpg')
        write_frames(tmp_path / 'labels' / video, 0)
        label = np.full((32, 48) if video != 'bad' else (16, 48), value, np.uint8)
        label[:2] = 255
        cv2.imwrite(str(tmp_path / 'labels' / video / '3.png'), label)
    (tmp_path / 'frames/two/2.jpg').rename(tmp_path / 'frames/two/03.jpg')
    (tmp_path / 'frames/d/1.jpg').unlink()
    (tmp_path / 'names.txt').write_text('road\ncar\n')
    output = invoke(data, 'segmentation', tmp_path, '--classes', tmp_path / 'names.txt', '--val', 0.5, '--workers', 0)
    assert '| d | frames are missing between 0 and 2 |' in output
    assert '## Left out: 4' in output
    assert all(f'| {name} | has a line end, tab, control character, outer space' in output for name in ('b ', 'c\\nd'))
    assert '| video two: 03 and 3 have the same number; remove one |' in output
    assert '| 7 | road | 46.88 % |' in output
    assert '| 255 | ignored |' in output
    assert 'labels/bad/3.png is (16, 48) (height, width), but its frame is (32, 48)' in output
    config = Config.fromfile(tmp_path / 'dff_pspnet_r18.py')
    assert config.model.segmentor.decode_head.num_classes == 2
    init_default_scope('mmseg')
    datasets = [DATASETS.build(config[f'{split}_dataloader'].dataset) for split in ('train', 'val')]
    assert [len(dataset) for dataset in datasets] == [2, 2]
    assert {path.name for path in tmp_path.glob('*.txt')} == {'names.txt', 'train.txt', 'val.txt'}
    sample = datasets[0][0]
    assert sample['inputs'].shape[0] == 2
    assert set(sample['data_samples'].gt_sem_seg.data.unique().tolist()) <= {0, 1, 255}


def test_what_lies_beside_a_split_of_frames(tmp_path):
    for video in ('train/a', 'val/a'):
        write_frames(tmp_path / 'frames' / video, 1)
        write_frames(tmp_path / 'labels' / video, 0)
        cv2.imwrite(str(tmp_path / 'labels' / video / '0.png'), np.eye(32, 48, dtype=np.uint8))
    (tmp_path / 'frames' / 'lists').mkdir()
    found = prepare_folders(tmp_path, 'labels', tmp_path / 'out').videos
    assert {split: [one.video for one in videos] for split, videos in found.items()} == {
        'train': ['train/a'],
        'val': ['val/a'],
    }
    write_frames(tmp_path / 'frames' / 'extra' / 'b', 1)
    with pytest.raises(
        ValueError, match='extra lies beside train and val, and is neither training, validation nor test'
    ):
        prepare_folders(tmp_path, 'labels', tmp_path / 'out')


ONE_BIT = np.arange(32 * 48).reshape(32, 48) % 3 == 0
PALETTE = Image.fromarray(ONE_BIT.astype(np.uint8), 'P')
PALETTE.putpalette([0, 0, 0, 128, 0, 0])


@pytest.mark.parametrize(
    ('picture', 'names', 'row'),
    [
        (Image.fromarray(ONE_BIT), ['no', 'yes'], '| 1 | yes | 33.33 % |'),
        (PALETTE, ['no', 'yes', 'never'], '| 2 | never | 0.00 % |'),
        (Image.fromarray(ONE_BIT * np.uint8(255)), ['no', 'yes'], '| 255 | yes | 33.33 % |'),
        (Image.fromarray(ONE_BIT * np.uint8(2)), ['no', 'never', 'yes'], '| 2 | yes | 33.33 % |'),
    ],
    ids=['one bit', 'palette', '0 and 255', 'a class that no pixel has'],
)
def test_training_sees_the_classes_of_the_report(tmp_path, picture, names, row):
    for video in ('a', 'b'):
        write_frames(tmp_path / 'frames' / video, 1)
        (tmp_path / 'labels' / video).mkdir(parents=True)
        picture.save(tmp_path / 'labels' / video / '0.png')
    (tmp_path / 'names.txt').write_text('\n'.join(names))
    assert row in invoke(data, 'segmentation', tmp_path, '--classes', tmp_path / 'names.txt', '--workers', 0)
    config = Config.fromfile(tmp_path / 'dff_pspnet_r18.py')
    assert config.model.segmentor.decode_head.num_classes == len(names)
    init_default_scope('mmseg')
    pipeline = [dict(type=f'mmvidext.{name}') for name in ('LoadClip', 'LoadClipAnnotations')]
    dataset = DATASETS.build({**config.val_dataloader.dataset, 'pipeline': pipeline, 'test_mode': True})
    assert (dataset[0]['gt_seg_map'] == np.where(ONE_BIT, names.index('yes'), 0)).all()


def test_the_report_names_a_value_that_is_mapped_to_the_ignored_one():
    report = describe_folders('root', PreparedFolders({}, []), ['road', 'car'], {0: 255, 7: 0, 8: 1})
    assert re.findall(r'[|] (\d+) [|] (\w+)', report) == [('0', 'ignored'), ('7', 'road'), ('8', 'car')]


@pytest.mark.parametrize(('values', 'held'), [((0,), '0'), ((3, 255), '3, 255'), ((255,), '255')])
def test_labels_with_nothing_to_tell_apart(tmp_path, values, held):
    for video in ('a', 'b'):
        write_frames(tmp_path / 'frames' / video, 1)
        write_frames(tmp_path / 'labels' / video, 0)
        labels = np.resize(np.asarray(values, np.uint8), (32, 48))
        cv2.imwrite(str(tmp_path / 'labels' / video / '0.png'), labels)
    (tmp_path / 'names.txt').write_text('road\ncar\n')
    names = ('--classes', tmp_path / 'names.txt')
    output = ' '.join(invoke(data, 'segmentation', tmp_path, *names, '--workers', 0, status=1).split())
    assert f'the label files hold only {held} (255 is ignored): there is nothing to tell apart' in output


def test_labels_with_two_suffixes(tmp_path):
    for video in ('a', 'b'):
        write_frames(tmp_path / 'frames' / video, 2)
        write_frames(tmp_path / 'labels' / video, 0)
        for name in ('0.png', '1.bmp'):
            cv2.imwrite(str(tmp_path / 'labels' / video / name), np.eye(32, 48, dtype=np.uint8))
    output = invoke(data, 'segmentation', tmp_path, '--workers', 0, status=1)
    assert 'labels/a must have one suffix, but have .bmp, .png' in ' '.join(output.split())


def test_a_class_whose_name_a_config_cannot_hold(tmp_path):
    result = PreparedFolders({}, [])
    with pytest.raises(ConfigError, match=r"a config cannot hold \{\{.* there is '\{\{_base_\.x\}\}': rename it"):
        segmentation_config(result, tmp_path, tmp_path, 'dff_pspnet_r18', ['road', '{{_base_.x}}'], {})


def test_flow(tmp_path):
    for video in ('a', 'b', 'c'):
        write_frames(tmp_path / 'frames' / video, 3)
        (tmp_path / 'flow' / video).mkdir(parents=True)
        for number in range(2 if video != 'c' else 3):
            write_flo(tmp_path / 'flow' / video / f'{number}.flo', np.full((32, 48, 2), 3, np.float32))
    write_frames(tmp_path / 'frames' / 'd', 2)
    (tmp_path / 'flow' / 'd').mkdir()
    write_flo(tmp_path / 'flow' / 'd' / '0.flo', np.full((32, 48, 2), np.nan, np.float32))
    output = invoke(data, 'flow', tmp_path, '--val', 0.5, '--workers', 0)
    assert 'flow/d/0.flo holds no known vector: write it anew, or remove it' in output
    assert 'Longest vector: 4.2 pixels' in output
    assert 'flow/c/2.flo belongs to the last frame' in output
    # the frames are smaller than the recipe's crop, and than the coarsest cell of the network
    assert f"train with: mmvidext train {tmp_path} --model flownets --cfg-options 'crop_size=(32,48)'" in output
    config = Config.fromfile(tmp_path / 'flownets.py')
    config.val_dataloader.dataset.pipeline.pop()
    dataset = DATASETS.build(config.val_dataloader.dataset)
    assert len(dataset) == 2
    assert dataset[1]['sample_id'][2:] == '1'
    assert (dataset[1]['gt_flow'] == 3).all()


HOSTILE = 'a"+str(__import__("pathlib").Path("ran").touch())+"b'


@pytest.mark.parametrize('kind', ['folder', 'segmentation', 'flow'])
@pytest.mark.parametrize('name', [HOSTILE, 'a\\b', 'a{{fileBasename}}'])
def test_a_name_that_a_config_cannot_hold(kind, name, tmp_path, monkeypatch):
    """mmengine puts the folder of a config into its text; this is said before anything is checked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    output = invoke(data, kind, name, '--workers', 0, status=1)
    assert re.search(r'Error: .*: rename (it|the folder or the file)$', output.strip())
    assert not (tmp_path / 'ran').exists()


def test_a_name_that_the_config_itself_writes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for video in ('a', 'b'):
        write_frames(tmp_path / HOSTILE / 'frames' / video, 2)
        (tmp_path / HOSTILE / 'flow' / video).mkdir(parents=True)
        write_flo(tmp_path / HOSTILE / 'flow' / video / '0.flo', np.full((32, 48, 2), 3, np.float32))
    for out in (tmp_path, tmp_path / 'lists'):
        invoke(data, 'flow', HOSTILE, '--out', out, '--val', 0.5, '--workers', 0)
        assert Config.fromfile(out / 'flownets.py').data_root == str(tmp_path / HOSTILE)
    assert not (tmp_path / 'ran').exists()
