import pytest

from mmvidext.datasets.annotation_lines import read_annotation


def read(tmp_path, content, **options):
    path = tmp_path / 'list.txt'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_annotation(str(path), **options)


def test_windows_line_ends_byte_order_mark_and_empty_lines_are_read_over(tmp_path):
    lines = read(tmp_path, b'\xef\xbb\xbfa.webm 3\r\n\r\nb/c.webm 0\r\n')
    assert [(line.path, line.numbers) for line in lines] == [('a.webm', (3,)), ('b/c.webm', (0,))]
    assert lines[1].where.endswith('list.txt:3')


def test_columns_and_delimiter(tmp_path):
    [line] = read(tmp_path, 'my clip,30,2\n', columns=('total_frames', 'label'), delimiter=',')
    assert (line.path, line.numbers) == ('my clip', (30, 2))


def test_the_label_may_be_optional(tmp_path):
    assert read(tmp_path, 'a.webm\n', label_optional=True)[0].numbers == (-1,)
    assert read(tmp_path, 'a 7\n', columns=('total_frames', 'label'), label_optional=True)[0].numbers == (7, -1)


@pytest.mark.parametrize(
    ('content', 'options', 'message'),
    [
        ('a 1\nb\n', {}, r"list\.txt:2: expected 2 fields, '<path> <label>', but there are 1: 'b'"),
        ('a b 1\n', {}, r"list\.txt:1: expected 2 fields, .* but there are 3: 'a b 1'\. If paths contain ' '"),
        (
            'a\n',
            dict(columns=('total_frames', 'label'), label_optional=True),
            r'expected 3 fields, .* \(the label may be',
        ),
        ('a one\n', {}, r"list\.txt:1: label must be a whole number, but is 'one'"),
        ('a 1.0\n', {}, r"label must be a whole number, but is '1\.0'"),
        ('a 1\nb 8\n', dict(num_classes=8), r'list\.txt:2: the label must be in \[0, 8\), but is 8; correct the list'),
        ('a -2\n', dict(num_classes=8), r'but is -2'),
        ('a -1\n', dict(num_classes=8), r'must be in \[0, 8\), but is -1'),
        ('a -5\n', {}, r'label must be 0 or more, but is -5'),
        ('a 0 1\n', dict(columns=('total_frames', 'label')), r'list\.txt:1: total_frames must be at least 1, but is 0'),
        ('a 1\nb 2\na 3\n', {}, r'list\.txt:3: a is listed already in .*list\.txt:1; remove one'),
        ('\n\n', dict(hint='. Make it'), r'list\.txt lists nothing\. Make it'),
        (b'caf\xe9.webm 1\n', {}, r'list\.txt must be a text file in UTF-8'),
    ],
)
def test_errors_name_file_and_line(tmp_path, content, options, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content, **options)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'there is no annotation file .*none\.txt\. Make it with: tool'):
        read_annotation(str(tmp_path / 'none.txt'), hint='. Make it with: tool')
