import json
from pathlib import Path

import pytest

from mmvidext.datasets.sthv2_preparation import prepare_sthv2
from tests.datasets.videos import write_bad_videos, write_video

LABELS = {'Dropping something': '0', 'Turning something left': '1', 'Turning something right': '2'}
TEMPLATES = ['Dropping [something]', 'Turning [something] left', 'Turning [something] right']


def item(video_id):
    return {'id': str(video_id), 'template': TEMPLATES[video_id % 3]}


def write_download(folder, *, prefix='something-something-v2-', videos='20bn-something-something-v2', test=False):
    splits = {'train': [item(number) for number in range(1, 5)], 'validation': [item(number) for number in (5, 6)]}
    if test:
        splits['test'] = [{'id': '7'}]
    for name, content in {**splits, 'labels': LABELS}.items():
        folder.mkdir(exist_ok=True)
        (folder / f'{prefix}{name}.json').write_text(json.dumps(content))
    for number in range(1, 8 if test else 7):
        write_video(folder / videos / f'{number}.webm', num_frames=4)
    return folder


def lines(folder, name):
    return (folder / name).read_text().splitlines()


@pytest.mark.parametrize('layout', [{}, dict(prefix='', videos='videos', test=True)])
def test_lists_of_both_releases(tmp_path, layout):
    result = prepare_sthv2(write_download(tmp_path, **layout))
    assert lines(tmp_path, 'sthv2_train_list_videos.txt') == ['1.webm 1', '2.webm 2', '3.webm 0', '4.webm 1']
    assert lines(tmp_path, 'sthv2_val_list_videos.txt') == ['5.webm 2', '6.webm 0']
    assert lines(tmp_path, 'class_names.txt') == list(LABELS)
    assert result.flip_label_map == {1: 2, 2: 1}
    assert result.videos.name == layout.get('videos', '20bn-something-something-v2')
    assert not (tmp_path / 'bad_videos.txt').exists()
    if layout:
        assert lines(tmp_path, 'sthv2_test_list_videos.txt') == ['7.webm']
        assert result.listed == {'train': 4, 'validation': 2, 'test': 1}


@pytest.mark.parametrize('name', ['sthv2_val_list_videos.txt', 'class_names.txt', 'bad_videos.txt'])
def test_a_file_of_others_stays(tmp_path, name):
    write_download(tmp_path)
    (tmp_path / name).write_text('mine')
    with pytest.raises(ValueError, match=f'{name} would be replaced'):
        prepare_sthv2(tmp_path)
    assert (tmp_path / name).read_text() == 'mine'
    assert not (tmp_path / 'sthv2_train_list_videos.txt').exists()


def test_bad_videos_are_reported_and_nothing_is_written_unless_they_are_dropped(tmp_path):
    videos = write_download(tmp_path) / '20bn-something-something-v2'
    write_bad_videos(videos, videos / '1.webm')
    (videos / 'empty.webm').replace(videos / '2.webm')
    (videos / 'truncated.webm').replace(videos / '5.webm')
    result = prepare_sthv2(tmp_path)
    assert [Path(checked.path).name for checked in result.bad] == ['2.webm', '5.webm']
    assert lines(tmp_path, 'bad_videos.txt')[0] == f'{videos / "2.webm"}\tis empty'
    assert not list(tmp_path.glob('sthv2*'))
    prepare_sthv2(tmp_path, drop_bad=True)
    assert lines(tmp_path, 'sthv2_train_list_videos.txt') == ['1.webm 1', '3.webm 0', '4.webm 1']
    assert lines(tmp_path, 'sthv2_val_list_videos.txt') == ['6.webm 0']


def test_a_split_without_a_good_video_is_an_error(tmp_path):
    videos = write_download(tmp_path) / '20bn-something-something-v2'
    for name in ('5.webm', '6.webm'):
        (videos / name).write_bytes(b'')
    with pytest.raises(ValueError, match='no video of validation is left: 2 are bad'):
        prepare_sthv2(tmp_path, drop_bad=True)
    assert not list(tmp_path.glob('sthv2*'))


def test_missing_parts_of_the_download(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'there is no \*\.webm file in any of .*cat 20bn-something-something-v2-\?\?'
    ):
        prepare_sthv2(tmp_path)
    write_video(tmp_path / 'videos' / '1.webm')
    with pytest.raises(FileNotFoundError, match=r'neither something-something-v2-labels\.json nor labels\.json in'):
        prepare_sthv2(tmp_path)
    (tmp_path / 'labels.json').write_text(json.dumps(LABELS))
    with pytest.raises(FileNotFoundError, match=r'neither something-something-v2-train\.json nor train\.json in'):
        prepare_sthv2(tmp_path)


def test_a_clip_in_two_splits(tmp_path):
    write_download(tmp_path)
    (tmp_path / 'something-something-v2-validation.json').write_text(json.dumps([item(3)]))
    with pytest.raises(ValueError, match='the clip with id 3 is both in train and in validation'):
        prepare_sthv2(tmp_path)
