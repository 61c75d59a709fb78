import json

import pytest

from mmvidext.datasets.sthv2_annotations import VideoItem, annotation_path, read_class_names, read_items

NAMES = ['Dropping something', 'Moving something up']


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_both_forms_of_the_name_are_found(tmp_path):
    assert annotation_path(tmp_path, 'train') is None
    unprefixed = write(tmp_path / 'train.json', [])
    assert annotation_path(tmp_path, 'train') == unprefixed
    prefixed = write(tmp_path / 'something-something-v2-train.json', [])
    assert annotation_path(tmp_path, 'train') == prefixed
    write(unprefixed, [1])
    with pytest.raises(ValueError, match=r'something-something-v2-train\.json and .*train\.json differ'):
        annotation_path(tmp_path, 'train')


def test_class_names_are_in_the_order_of_their_index(tmp_path):
    path = write(tmp_path / 'labels.json', {'Moving something up': '1', 'Dropping something': '0'})
    assert read_class_names(path) == NAMES


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'a': 'one'}, r"labels\.json: the index of 'a' must be a whole number, but is 'one'"),
        ({'a': '0', 'b': '0'}, r"'b' and 'a' have the same index 0"),
        ({'a': '0', 'b': '2'}, r'without a gap, but these are missing: \[1\]'),
        ({'a': '0', 'b': '3000000'}, r'without a gap, but these are missing: \[1\]'),
        ({'a': '0', 'b': '99999999999'}, r"the index of 'b' must be a whole number"),
        ({'a': '0', 'b': '٣'}, r"the index of 'b' must be a whole number"),
        ('[' * 100000, r'labels\.json is nested too deeply'),
        ({}, 'without a gap'),
        (['a'], 'must hold one object, from template to index, but holds a list'),
        ('{"a": "0",\n "b" "1"}', r'labels\.json:2: not valid JSON'),
    ],
)
def test_errors_in_the_labels_file(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_class_names(write(tmp_path / 'labels.json', content))


def test_items_get_the_index_of_their_template(tmp_path):
    items = [
        {'id': '12', 'label': 'moving a cup up', 'template': 'Moving [something] up', 'placeholders': ['a cup']},
        {'id': '7', 'template': 'Dropping [something]'},
    ]
    assert read_items(write(tmp_path / 'train.json', items), NAMES) == [VideoItem('12', 1), VideoItem('7', 0)]
    unlabeled = write(tmp_path / 'test.json', [{'id': '3'}])
    assert read_items(unlabeled, NAMES, labeled=False) == [VideoItem('3', -1)]


@pytest.mark.parametrize(
    ('item', 'message'),
    [
        (
            {'template': 'Dropping [something]'},
            r"train\.json: item 1 must be an object with the key 'id', .*\['template'\]",
        ),
        ({'id': '9'}, r"train\.json: item 1 \(id 9\) must be an object with the key 'template'"),
        (
            {'id': '9', 'template': 'Eating [something]'},
            r"item 1 \(id 9\): the template 'Eating \[something\]' is not in",
        ),
        ({'id': 'x9', 'template': 'Dropping [something]'}, r'item 1 \(id x9\): the id must be a number'),
        ({'id': '12', 'template': 'Dropping [something]'}, r'item 1 \(id 12\): item 0 has the same id'),
        ('9', r"item 1 must be an object with the key 'id', but it is '9'"),
    ],
)
def test_errors_in_items_name_file_and_item(tmp_path, item, message):
    first = {'id': '12', 'template': 'Moving [something] up'}
    with pytest.raises(ValueError, match=message):
        read_items(write(tmp_path / 'train.json', [first, item]), NAMES)


def test_a_file_that_holds_no_list(tmp_path):
    with pytest.raises(ValueError, match=r'train\.json must hold a list of items, but holds a dict'):
        read_items(write(tmp_path / 'train.json', {}), NAMES)
