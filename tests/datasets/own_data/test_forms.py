"""Every form in which people have their videos is read; what is wrong is named with file and line."""

import pytest

from mmvidext.datasets.listed_videos import find_videos
from mmvidext.datasets.media.files import left_out
from mmvidext.datasets.own_data.annotations import read_annotations
from mmvidext.datasets.own_data.class_folders import read_class_folders


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')


def found(listing):
    return [(clip.path, listing.classes[clip.label], clip.recording, clip.split) for clip in listing.clips]


def test_a_folder_for_each_class(tmp_path):
    touch(tmp_path, 'b c/10.mp4', 'b c/2.webm', 'b c/.hidden.mp4', 'b c/notes.txt', '跳/day 1/x.AVI', '跳/frames/1.jpg')
    touch(tmp_path, 'work_dirs/log.txt')
    listing = read_class_folders(tmp_path)
    assert found(listing) == [
        ('b c/2.webm', 'b c', None, None),
        ('b c/10.mp4', 'b c', None, None),
        ('跳/day 1/x.AVI', '跳', 'day 1', None),
        ('跳/frames', '跳', None, None),
    ]
    assert listing.notes == ['work_dirs holds no video and is no class']


def test_what_is_no_video_by_its_suffix_is_named(tmp_path):
    """A GIF or a recording of a DVD is read, and nothing is left out in silence but what needs no word."""
    videos = ['a/1.gif', 'a/2.vob', 'a/3.MXF', 'b/4.asf', 'b/5.mts']
    touch(tmp_path, *videos, 'a/.DS_Store', '.git/x.bin', 'a/1.txt', 'b/classes.json', 'b/6.jpg')
    assert [path for path, *_ in found(read_class_folders(tmp_path))] == videos
    assert read_class_folders(tmp_path).notes == []
    touch(tmp_path, '.trash/old.mp4')
    assert find_videos(tmp_path) == sorted(videos)
    touch(tmp_path, 'a/7.wav', 'b/8.mp4x', 'b/9', 'b/day/10.zip')
    note = (
        '4 left out, with suffixes that no video has: a/7.wav, b/8.mp4x, b/9, ...; rename what is a video, for example '
        'to .mp4 or .mkv'
    )
    assert read_class_folders(tmp_path).notes == [note]
    assert left_out(tmp_path) == note


def test_folders_that_are_split_already(tmp_path):
    touch(tmp_path, 'train/a/1.mp4', 'Validation/a/2.mp4', 'train/b/3.mp4', 'test/b/4.mp4')
    assert {(path, split) for path, _, _, split in found(read_class_folders(tmp_path))} == {
        ('train/a/1.mp4', 'train'),
        ('Validation/a/2.mp4', 'val'),
        ('train/b/3.mp4', 'train'),
        ('test/b/4.mp4', 'test'),
    }


def test_what_lies_beside_a_split(tmp_path):
    touch(tmp_path, 'train/a/1.mp4', 'val/a/2.mp4', 'annotations/train.txt')
    listing = read_class_folders(tmp_path)
    assert (listing.classes, [clip.split for clip in listing.clips]) == (['a'], ['train', 'val'])
    assert listing.notes == ['annotations holds no video and is no class']
    touch(tmp_path, 'extra/b/3.mp4')
    with pytest.raises(ValueError, match=r'extra lies beside train and val, and is neither training, .*: move it away'):
        read_class_folders(tmp_path)
    touch(tmp_path / 'trains', 'train/1.mp4', 'bus/2.mp4', 'car/3.mp4')
    assert read_class_folders(tmp_path / 'trains').classes == ['bus', 'car', 'train']


@pytest.mark.parametrize(
    ('links', 'more'),
    [
        ({'a/self': '.'}, []),
        ({'a/sub/up': '../..'}, []),
        ({'loop': '.'}, []),
        ({'a/other': '../b', 'b/other': '../a'}, ['a/other/2.mp4', 'a/other/pictures']),
        ({'a/once': '../../store', 'a/twice': '../../store'}, ['a/once/3.mp4']),
    ],
    ids=['itself', 'above', 'root', 'each other', 'twice'],
)
def test_links_do_not_repeat_videos(tmp_path, links, more):
    root = tmp_path / 'root'
    touch(tmp_path / 'store', '3.mp4')
    touch(root, 'a/1.mp4', 'a/sub/notes.txt', 'b/2.mp4', 'b/pictures/1.jpg')
    for link, target in links.items():
        (root / link).symlink_to(target)
    listing = read_class_folders(root)
    assert listing.classes == ['a', 'b']
    assert [clip.path for clip in listing.clips if clip.label == 0] == ['a/1.mp4', *more]
    assert find_videos(root / 'a') == sorted(
        path.removeprefix('a/') for path in ['a/1.mp4', *more] if 'pict' not in path
    )


def test_no_folder_of_classes(tmp_path):
    with pytest.raises(FileNotFoundError, match='there is no folder'):
        read_class_folders(tmp_path / 'none')
    touch(tmp_path, '1.mp4')
    with pytest.raises(ValueError, match=r'holds videos, but no folder for each class.*--annotations FILE'):
        read_class_folders(tmp_path)


FORMS = {
    'plain': ('train.txt', 'a b.mp4\t0\nsub/c.avi\t1\n', [('a b.mp4', 'class 0', None, 'train')]),
    'spaces': ('list.txt', 'a b.mp4 0\nc 1\n', [('a b.mp4', 'class 0', None, None)]),
    'names': ('list.txt', 'a b.mp4\tturn left\nc.avi\t左\n', [('a b.mp4', 'turn left', None, None)]),
    'jester': (
        'jester-v1-validation.csv',
        'c;Swiping Left\na b;No gesture\n',
        [('sub/c.avi', 'Swiping Left', None, 'val')],
    ),
    'ucf': ('testlist01.txt', 'a b.mp4 0\nc 1\n', [('a b.mp4', 'class 0', None, 'test')]),
    'table': (
        'mine.csv',
        'recording,path,label,split\nr1,a b.mp4,"left, slow",train\nr1,c,x,valid\n',
        [('a b.mp4', 'left, slow', 'r1', 'train'), ('sub/c.avi', 'x', 'r1', 'val')],
    ),
    'kinetics': (
        'k400.csv',
        'label,youtube_id,time_start,time_end,split\nabseiling,abcdefghijk,12,22,val\nx,missing____,1,2,train\n',
        [
            ('sub/abcdefghijk_000012_000022.mp4', 'abseiling', 'abcdefghijk', 'val'),
            ('missing_____000001_000002', 'x', 'missing____', 'train'),
        ],
    ),
}


@pytest.mark.parametrize('form', FORMS)
def test_lists_and_tables(tmp_path, form):
    touch(tmp_path / 'videos', 'a b.mp4', 'sub/c.avi', 'sub/abcdefghijk_000012_000022.mp4')
    name, text, expected = FORMS[form]
    (tmp_path / name).write_text(text, encoding='utf-8-sig')
    assert found(read_annotations(tmp_path / 'videos', [tmp_path / name]))[: len(expected)] == expected


def test_ucf101_and_hmdb51(tmp_path):
    touch(tmp_path / 'v', 'Yo/v_Yo_g01_c01.avi', 'Yo/v_Yo_g02_c01.avi', 'run/a_b.avi', 'run/c.avi')
    splits = tmp_path / 'splits'
    touch(splits, 'x')
    (splits / 'classInd.txt').write_text('1 Yo\n2 Other\n')
    (splits / 'trainlist02.txt').write_text('Yo/v_Yo_g01_c01.avi 1\n')
    (splits / 'testlist02.txt').write_text('Yo/v_Yo_g02_c01.avi\n')
    listing = read_annotations(tmp_path / 'v', [splits], split_number=2)
    assert listing.classes == ['Yo', 'Other']
    assert [split for *_, split in found(listing)] == ['train', 'val']
    hmdb = tmp_path / 'hmdb'
    touch(hmdb, 'x')
    (hmdb / 'run_test_split1.txt').write_text('a_b.avi 1 \nc.avi 2 \nd.avi 0 \n')
    assert found(read_annotations(tmp_path / 'v', [hmdb])) == [
        ('run/a_b.avi', 'run', None, 'train'),
        ('run/c.avi', 'run', None, 'val'),
    ]


def test_a_video_is_found_by_the_end_of_its_path(tmp_path):
    touch(tmp_path / 'v', 'jump/001.mp4', 'deep/run/2.avi', 'a/7.mp4', 'b/7.mp4', 'flat.mp4')
    listed = {
        'run/001.mp4': 'run/001.mp4',  # is missing: the one in jump is another
        'videos/run/2.mp4': 'videos/run/2.mp4',
        'videos/deep/run/2.mp4': 'deep/run/2.avi',
        'run/2.mp4': 'deep/run/2.avi',
        'x/flat.mp4': 'flat.mp4',
        'a/7': 'a/7.mp4',
        '2': 'deep/run/2.avi',
    }
    (tmp_path / 'list.txt').write_text(''.join(f'{name}\t0\n' for name in listed))
    listing = read_annotations(tmp_path / 'v', [tmp_path / 'list.txt'])
    assert [clip.path for clip in listing.clips] == list(listed.values())
    (tmp_path / 'list.txt').write_text('flat.mp4\t1\n7\t0\n')
    with pytest.raises(ValueError, match=r'list\.txt:2: 7 may be ./7\.mp4 or ./7\.mp4: write the path'):
        read_annotations(tmp_path / 'v', [tmp_path / 'list.txt'])


def test_the_recording_is_optional_in_any_column(tmp_path):
    (tmp_path / 'list.csv').write_text('recording,path,label\nr1,a,x\n,b,y\n')
    listing = read_annotations(tmp_path, [tmp_path / 'list.csv'])
    assert found(listing) == [('a', 'x', 'r1', None), ('b', 'y', None, None)]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a.mp4 left\n', r"list\.txt:1: expected a path and a class, but it is 'a\.mp4 left'"),
        ('path,label\na.mp4\n', r"list\.txt:2: expected a path and a class, separated by ','"),
        ('path,label\na.mp4,x,y\n', r'list\.txt:2: expected 2 columns \(path, label\), but there are 3'),
        ('youtube_id,label,time_start,time_end\na,x,1,b\n', r"list\.txt:2: a time must be a number .* 'b'"),
        ('youtube_id,label,time_start,time_end\na,x,1,inf\n', r"list\.txt:2: a time must be a number .* 'inf'"),
        ('path,label\na.mp4,x\nb.mp4, \n', r"list\.txt:3: expected a path and a class, but it is 'b\.mp4,'"),
        ('a.mp4,x\n,y\n', r"list\.txt:2: expected a path and a class, but it is ',y'"),
        ('path,label\n' + 'x' * 200_000 + ',a\n', r'list\.txt:2: not a line of a table: field larger than'),
        ('x' * 200_000 + '\ta\n', r'list\.txt:1: not a line of a table: field larger than'),
        ('path,label,split\na.mp4,x,\nb.mp4,x,dev\n', r"list\.txt:3: the split must be train, .* but is 'dev'"),
        ('clip name,label\na.mp4,5\n', r'list\.txt:1: the columns are clip name, label; a header must have one of'),
        ('name,tag\na.mp4,5\nb.mp4,3\n', r"list\.txt:1: the class is 'tag', but a number in other lines; a header"),
        ('a.mp4 0\nb.mp4 99999999999\n', r'list\.txt:2: 99999999999 is no number of a class, which .* below 10000'),
        ('a.mp4,20260101\n', r'list\.txt:1: 20260101 is no number of a class'),
        ('a.mp4,' + '9' * 5000 + '\n', r'list\.txt:1: 9999.* is no number of a class'),
    ],
)
def test_a_wrong_line(tmp_path, text, message):
    (tmp_path / 'list.txt').write_text(text)
    with pytest.raises(ValueError, match=message):
        read_annotations(tmp_path, [tmp_path / 'list.txt'])


@pytest.mark.parametrize('label', ['z', '2', '9' * 5000])
def test_a_label_that_is_no_class(tmp_path, label):
    (tmp_path / 'list.txt').write_text(f'a.mp4\tx\nb.mp4\t{label}\n')
    with pytest.raises(ValueError, match=rf"list\.txt:2: '{label}' is no class; there are 2: x, y"):
        read_annotations(tmp_path, [tmp_path / 'list.txt'], classes=['x', 'y'])
