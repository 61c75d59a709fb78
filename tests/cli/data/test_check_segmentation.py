import pytest

pytest.importorskip('mmseg')

from mmvidext.cli.data.check_segmentation import check_segmentation, find_problems
from tests.cli.invoke import invoke
from tests.datasets.layouts import write_video_folders, write_vspw


def test_a_complete_data_set(tmp_path):
    write_vspw(tmp_path)
    (tmp_path / 'train.txt').write_text('a\n')
    assert find_problems('vspw', tmp_path) == []


def test_what_is_missing_is_named(tmp_path):
    write_vspw(tmp_path)
    (problem,) = find_problems('vspw', tmp_path)
    assert problem.startswith('train: there is no annotation file')
    (tmp_path / 'train.txt').write_text('a\n')
    (tmp_path / 'data/a/origin/00000005.jpg').write_bytes(b'')
    problems = find_problems('vspw', tmp_path, every_file=True)
    assert len(problems) == 2
    assert 'a/origin/00000005.jpg is empty' in problems[0]


@pytest.mark.parametrize('damage', [b'', b'\x89PNG\r\n\x1a\n', b'<html>', None])
def test_bad_labels_do_not_end_the_check(damage, tmp_path):
    write_vspw(tmp_path)
    (tmp_path / 'train.txt').write_text('b\n')
    bad = [tmp_path / f'data/a/mask/0000000{number}.png' for number in (1, 3)]
    for path in bad:
        path.write_bytes(path.read_bytes()[:-30] if damage is None else damage)
    problems = find_problems('vspw', tmp_path, every_file=True)
    assert len(problems) == 2
    assert all(f'label file {path} ' in problem for path, problem in zip(bad, problems, strict=True))


@pytest.mark.parametrize('name', ['camvid', 'cityscapes'])
def test_an_empty_folder(tmp_path, name):
    problems = find_problems(name, tmp_path)
    assert [problem.split(':')[0] for problem in problems] == ['train', 'val']
    assert 'no labeled snippet found; expected images under' in problems[0]


def test_the_command_fails_and_says_where_to_download(tmp_path):
    output = invoke(check_segmentation, 'vspw', tmp_path, status=1)
    assert 'to download: VSPW_480p: https://www.vspwdataset.com' in output


def test_folders_of_ones_own(tmp_path):
    """Without parts; the values tell what the label map of the config must name."""
    write_video_folders(tmp_path)
    output = invoke(check_segmentation, 'video-folders', tmp_path, '--all')
    assert 'all: 8 labeled frames in 2 snippets' in output
    assert 'hold the values 0, 7, 26\n' in output
    assert output.endswith('complete\n')
    (tmp_path / 'frames/a/3.jpg').unlink()
    output = invoke(check_segmentation, 'video-folders', tmp_path, status=1)
    assert 'wrong: all: video a: frame 3 is missing' in output
    assert 'expected: frames/[SPLIT/]VIDEO/*.jpg' in output


def test_folders_with_parts(tmp_path):
    for split in ('train', 'val', 'test'):
        write_video_folders(tmp_path / split)
        for kind in ('frames', 'labels') if split != 'test' else ('frames',):
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / split / kind).rename(tmp_path / kind / split)
    output = invoke(check_segmentation, 'video-folders', tmp_path)
    assert [line.split(':')[0] for line in output.splitlines()] == [
        *['train'] * 2,
        *['val'] * 2,
        *['test'] * 2,
        'complete',
    ]
    assert 'test: 15 labeled frames' in output


def test_a_config(tmp_path):
    """With its classes and its label map."""
    write_video_folders(tmp_path / 'data')
    config = tmp_path / 'config.py'
    dataset = dict(type='mmvidext.VideoFolderSegDataset', metainfo=dict(classes=('a', 'b', 'c')), data_root='nowhere')
    for label_map, status in (({0: 0, 7: 1, 26: 2}, 0), ({0: 0, 7: 1}, 1)):
        loader = dict(dataset=dict(dataset, label_map=label_map, pipeline=[dict(type='mmvidext.LoadClip')]))
        config.write_text(f'train_dataloader = {loader}')
        output = invoke(check_segmentation, config, tmp_path / 'data', status=status)
        assert ('holds the values [26], but the label map of the data set names [0, 7]' in output) == bool(status)
    assert 'there is no video in nowhere/frames' in invoke(check_segmentation, config, status=1)


def test_what_is_no_data_set(tmp_path):
    assert 'Error: vspw needs ROOT' in invoke(check_segmentation, 'vspw', status=1)
    (tmp_path / 'config.py').write_text('a = 1')
    assert 'and no config with a dataloader' in invoke(check_segmentation, tmp_path / 'config.py', status=1)
    (tmp_path / 'config.py').write_text(
        "val_dataloader = dict(dataset=dict(type='mmengine.ConcatDataset', datasets=[]))"
    )
    assert 'wrong: val: ' in invoke(check_segmentation, tmp_path / 'config.py', status=1)
