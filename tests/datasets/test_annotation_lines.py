import os

import pytest

from mmvidext.datasets.annotation_lines import fits_line, read_annotation, read_lines
from mmvidext.datasets.listed_videos import read_listed_videos


def read(tmp_path, content, **options):
    path = tmp_path / 'list.txt'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_annotation(str(path), **options)


def test_windows_line_ends_byte_order_mark_and_empty_lines_are_skipped(tmp_path):
    lines = read(tmp_path, b'\xef\xbb\xbfa.webm 3\r\n\r\nb/c.webm 0\r\n')
    assert [(line.path, line.labels) for line in lines] == [('a.webm', (3,)), ('b/c.webm', (0,))]
    assert lines[1].where.endswith('list.txt:3')


@pytest.mark.parametrize(
    ('content', 'options', 'path'),
    [
        ('my clip,30,2\n', dict(delimiter=','), 'my clip'),
        ('my clip, 30, 2\n', dict(delimiter=','), 'my clip'),
        ('my clip\t30\t2\n', {}, 'my clip'),
        ('clip\t30 2\n', {}, 'clip'),
        ('clip  30  2\n', {}, 'clip'),
    ],
)
def test_separators(tmp_path, content, options, path):
    [line] = read(tmp_path, content, columns=('total_frames',), **options)
    assert (line.path, line.counts, line.labels) == (path, (30,), (2,))


def test_several_labels_or_none(tmp_path):
    assert [line.labels for line in read(tmp_path, 'a 1\nb 2 0 5\n', labels='many')] == [(1,), (2, 0, 5)]
    assert read(tmp_path, 'a 7\n', columns=('total_frames',), labels='none')[0].labels == ()
    [line] = read(tmp_path, 'my clip.mp4\t30\t1\t2\n', columns=('total_frames',), labels='many')
    assert (line.path, line.counts, line.labels) == ('my clip.mp4', (30,), (1, 2))


def test_paths_out_of_the_folder_if_they_are_allowed(tmp_path):
    lines = read(tmp_path, '../a 1\n/b/c 2\n', allow_outside=True)
    assert [line.path for line in lines] == ['../a', '/b/c']


@pytest.mark.parametrize(
    ('content', 'options', 'message'),
    [
        ('a 1\nb\n', {}, r"list\.txt:2: expected 2 fields, '<path> <label>', but there are 1: 'b'.*with_labels=False"),
        ('a b 1\n', {}, r"list\.txt:1: expected 2 fields, .* but there are 3: 'a b 1'\. If paths contain ' '"),
        ('a 1\n', dict(labels='none'), r"list\.txt:1: expected 1 fields, '<path>', but there are 2"),
        ('a\n', dict(labels='many'), r"expected 2 fields, '<path> <label> \.\.\.', but there are 1"),
        ('a\n', dict(columns=('total_frames',)), r"expected 3 fields, '<path> <total_frames> <label>'"),
        ('a one\n', {}, r"list\.txt:1: label must be a whole number, but is 'one'"),
        ('a 1.0\n', {}, r"label must be a whole number, but is '1\.0'"),
        ('a ٣\n', {}, r"list\.txt:1: label must be a whole number, but is '٣'"),
        ('a 1_0\n', {}, r"list\.txt:1: label must be a whole number, but is '1_0'"),
        (f'a {"9" * 5000}\n', {}, r'list\.txt:1: label must be a whole number'),
        ('a 1\x0cb 2\n', {}, r"list\.txt:1: the control character '\\x0c' is in the line"),
        ('a 1\rb 2\r', {}, r"list\.txt:1: the control character '\\r'"),
        ('a 1\u2028b 2\n', {}, r"list\.txt:1: the control character '\\u2028'"),
        ('a\x00 1\n', {}, r"list\.txt:1: the control character '\\x00'"),
        ('a 1\nb 8\n', dict(num_classes=8), r'list\.txt:2: the label must be in \[0, 8\), but is 8; correct the list'),
        ('a -1\n', dict(num_classes=8), r'must be in \[0, 8\), but is -1'),
        ('a 1 8\n', dict(num_classes=8, labels='many'), r'must be in \[0, 8\), but is 8'),
        ('a -5\n', {}, r'label must be 0 or more, but is -5'),
        ('a 1 1\n', dict(labels='many'), r'list\.txt:1: a label is repeated in \[1, 1\]'),
        ('a 0 1\n', dict(columns=('total_frames',)), r'list\.txt:1: total_frames must be at least 1, but is 0'),
        ('a 1\nb 2\na 3\n', {}, r'list\.txt:3: a is listed already in .*list\.txt:1; remove one'),
        ('b/a 1\n./b//c/../a 3\n', {}, r'list\.txt:2: \./b//c/\.\./a is listed already in .*list\.txt:1'),
        ('a 1\n../b 2\n', {}, r'list\.txt:2: \.\./b leads out of the data folder; .*allow_outside=True'),
        ('a/../../b 2\n', {}, r'list\.txt:1: a/\.\./\.\./b leads out'),
        ('/etc/passwd 2\n', {}, r'list\.txt:1: /etc/passwd leads out'),
        ('\n\n', dict(hint='Make it'), r'list\.txt lists nothing\. Make it'),
        (b'caf\xe9.webm 1\n', {}, r'list\.txt must be a text file in UTF-8'),
        ('a 1\n'.encode('utf-16'), {}, r'list\.txt must be a text file in UTF-8'),
    ],
)
def test_errors_name_file_and_line(tmp_path, content, options, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content, **options)


def test_an_option_that_is_not_there_is_not_advised(tmp_path):
    (tmp_path / 'list.txt').write_text('../a 1\n')
    with pytest.raises(
        ValueError, match=r'list\.txt:1: \.\./a leads out of the data folder; correct it, or name a folder'
    ):
        read_listed_videos(tmp_path / 'list.txt')


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'there is no annotation file .*none\.txt\. Make it with: tool'):
        read_annotation(str(tmp_path / 'none.txt'), hint='Make it with: tool')


@pytest.mark.skipif(os.name != 'posix', reason='needs a device')
def test_what_is_no_regular_file_is_not_opened(tmp_path):
    """A device or a FIFO may never end."""
    for path in ('/dev/null', str(tmp_path)):
        with pytest.raises(ValueError, match=f'{path} is not a regular file'):
            read_lines(path)


@pytest.mark.parametrize(
    'name', ['a', 'видео 1', '#1', ' a', 'a ', 'a\t', '\tb', '', 'c\nd', 'c\x01d', '\ufeffa', 'c\u2028d']
)
def test_a_name_fits_a_line_if_it_comes_back(name, tmp_path):
    path = tmp_path / 'list.txt'
    path.write_text(f'{name}\n', encoding='utf-8')
    try:
        found = [text for _, text in read_lines(str(path))]
    except ValueError:
        found = []
    assert fits_line(name) is (found == [name])


@pytest.mark.parametrize('name', ['a\tb', os.fsdecode(b'\xff')])
def test_a_name_with_a_tab_or_without_utf_8_fits_no_line(name):
    assert not fits_line(name)
