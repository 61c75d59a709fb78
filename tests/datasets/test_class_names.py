"""Class names in each form, and what is wrong with a file of them."""

import json

import pytest

from mmvidext.datasets.class_names import read_class_names


@pytest.mark.parametrize('text', ['b\na\n', '\ufeffb\r\na\r\n', 'b\na\n\n', '\nb \n  \n\ta\n'])
def test_one_a_line(text, tmp_path):
    path = tmp_path / 'names.txt'
    path.write_text(text, encoding='utf-8')
    assert read_class_names(path) == ['b', 'a']


@pytest.mark.parametrize('text', [' \n', '\n\n', 'a\x0cb\n'])
def test_lines_without_names_and_control_characters(text, tmp_path):
    path = tmp_path / 'names.txt'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'names\.txt'):
        read_class_names(path)


LETTERS = 'cabdefghijkl'  # 12, so that the order of the numbers is not that of their text


@pytest.mark.parametrize(
    'content',
    [
        list(LETTERS),
        {name: str(number) for number, name in enumerate(LETTERS)},
        {name: number for number, name in reversed(list(enumerate(LETTERS)))},
        {str(number): name for number, name in enumerate(LETTERS)},
    ],
    ids=['list', 'name to text', 'name to number', 'number to name'],
)
def test_json(content, tmp_path):
    path = tmp_path / 'labels.json'
    path.write_text(json.dumps(content))
    assert read_class_names(path) == list(LETTERS)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        *((text, 'must be a JSON list of class names, or') for text in ('[1]', '[]', '{"a": "b"}', '3', '{"a": 0.5}')),
        ('["a"', r':1: not valid JSON'),
        ('[' * 100_000, 'is nested too deeply'),
        ('[' + '9' * 5000 + ']', ': Exceeds the limit'),
        ('["a", " "]', ': class 1 has no name'),
        ('{"0": "a", "1": "b", "5": "f"}', r': indices must be 0, 1, 2, \.\.\. .* missing: \[2\]'),
        ('{"1": "a", "2": "b"}', r': indices must be 0, 1, 2, \.\.\. .* missing: \[0\]'),
        ('{}', r': indices must be 0, 1, 2, \.\.\. .* missing: \[0\]'),
        ('{"a": "0", "b": "0", "c": "1"}', ": 'b' and 'a' have the same index 0"),
        ('{"0": "a", "0": "b"}', ": the key '0' is there twice"),
        ('{"a": "' + '9' * 5000 + '"}', ": the index of 'a' must be a whole number"),
    ],
)
def test_wrong_json(text, message, tmp_path):
    path = tmp_path / 'labels.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'labels\.json ?' + message):
        read_class_names(path)
