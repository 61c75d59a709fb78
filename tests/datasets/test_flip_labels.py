import pytest
from mmaction.datasets.transforms import Flip

from mmvidext.datasets.flip_labels import STHV2_FLIP_LABEL_MAP, check_flip, flip_label_map, with_checked_flips


def test_pairs_are_found_by_their_names():
    names = [
        'Pulling something from left to right',
        'Dropping it',
        'Pulling something from right to left',
        'Turning LEFT',
    ]
    assert flip_label_map(names) == {0: 2, 2: 0}
    assert flip_label_map(['Turning clockwise', 'Turning counterclockwise', 'Leftover']) == {0: 1, 1: 0}


@pytest.mark.parametrize(
    ('first', 'second'),
    [
        ('Turning clockwise', 'Turning counter-clockwise'),
        ('anticlockwise', 'Clockwise'),
        ('anti-clockwise', 'clockwise'),
        ('rotate_counter_clockwise', 'rotate_clockwise'),
        ('Turn CW', 'Turn CCW'),
        ('Moving leftwards', 'Moving rightward'),
        ('raise left-hand', 'raise right-hand'),
        ('to-the-left', 'to-the-right'),
        ('turn_left', 'turn_right'),
        ('TurnLeft', 'TurnRight'),
        ('swipe left2', 'swipe right2'),
    ],
)
def test_usual_spellings(first, second):
    assert flip_label_map(['stop', first, 'go', second]) == {1: 3, 3: 1}


@pytest.mark.parametrize('names', [('L', 'R'), ('LEFTOVER', 'RIGHTOVER'), ('upleft', 'upright'), ('left', 'Left')])
def test_what_is_no_pair(names):
    assert flip_label_map(names) == {}


@pytest.fixture
def logged(monkeypatch):
    lines = []
    monkeypatch.setattr('mmvidext.datasets.flip_labels.print_log', lambda text, **kwargs: lines.append(text))
    return lines


def test_a_side_without_its_mirror_image_is_logged(logged):
    assert flip_label_map(['turn left', 'stop']) == {}
    assert logged == [
        "no class is the mirror image of 'turn left': if this name says a direction, its clips must not be flipped "
        '(flip_ratio=0)'
    ]


@pytest.mark.parametrize('label_map', [None, {}, {'up': 'down', 'down': 'up'}])
def test_a_flip_that_keeps_the_label_of_a_side_is_logged(logged, label_map):
    names = ['up', 'down', 'turn left', 'turn right']
    with_checked_flips(flip(label_map), names, 4)
    assert logged == [
        "a horizontal Flip makes 'turn left' look like 'turn right' and keeps the label: add {2: 3, 3: 2} to its map"
    ]
    with_checked_flips([dict(type='Flip', direction='vertical'), dict(type='Flip', flip_ratio=0)], names, 4)
    with_checked_flips(flip({2: 3, 3: 2}), names, 4)
    with_checked_flips([dict(type='Flip', flip_ratio=0)], ['turn left', 'stop'], 2)  # as the advice for it says
    assert len(logged) == 1


def test_the_official_map_exchanges_pairs():
    assert len(STHV2_FLIP_LABEL_MAP) == 6
    assert all(STHV2_FLIP_LABEL_MAP[other] == label for label, other in STHV2_FLIP_LABEL_MAP.items())


@pytest.mark.parametrize('name', ['Flip', 'mmaction.Flip'])
def test_a_flip_without_map_is_an_error(name):
    with pytest.raises(
        ValueError, match=r'needs flip_label_map; for the 174 classes of Something-Something V2: \{86: 87'
    ):
        check_flip([dict(type='DecordInit'), dict(type=name, flip_ratio=0.5)])


def test_a_flip_inside_another_transform_and_one_given_as_a_class_are_found():
    flip = dict(type='Flip', flip_ratio=0.5)
    for inner in (flip, [dict(type='Resize'), flip], dict(type=Flip)):
        with pytest.raises(ValueError, match='needs flip_label_map'):
            check_flip([dict(type='RandomApply', transforms=inner)])
        with pytest.raises(ValueError, match='needs flip_label_map'):
            check_flip([dict(type='RandomChoice', transforms=[[dict(type='Resize')], inner])])


def test_other_pipelines_pass():
    check_flip(
        [
            dict(type='Flip', flip_ratio=0),
            dict(type='Flip', direction='vertical'),
            dict(type='Flip', flip_label_map={}),
            dict(type='FlipNothing'),
            len,
        ]
    )


def flip(label_map):
    return [
        dict(type='Resize'),
        dict(type='RandomApply', transforms=dict(type='mmaction.Flip', flip_label_map=label_map)),
    ]


@pytest.mark.parametrize(
    ('label_map', 'names', 'count', 'message'),
    [
        (STHV2_FLIP_LABEL_MAP, None, 3, 'has 86, but the data set has 3 classes, 0 to 2: it is the map of another'),
        (STHV2_FLIP_LABEL_MAP, ['a', 'b', 'c'], None, r'has 86, which is none of the 3 classes \(a, b, c\)'),
        (
            {1: 2, 2: 1},
            ['a', 'turn left', 'stop'],
            3,
            r"exchanges 1 \('turn left'\) and 2 \('stop'\), whose names do not",
        ),
        ('{}', None, 2, r"must be a dict, such as \{0: 1, 1: 0\} in a config .*, but is '\{\}'"),
        ({'turn left': '右'}, ['turn left', '左'], 2, "has '右', which is none of the 2 classes"),
    ],
)
def test_a_map_of_another_data_set(label_map, names, count, message):
    with pytest.raises(ValueError, match=message):
        with_checked_flips(flip(label_map), names, count)


def test_a_map_of_these_classes():
    assert with_checked_flips(flip({0: 1, 1: 0}), ['turn left', 'turn right', 'c'], 3) == flip({0: 1, 1: 0})
    assert with_checked_flips(flip({'左': '右', '右': '左'}), ['x', '左', '右'], 3) == flip({1: 2, 2: 1})
    choice = [dict(type='RandomChoice', transforms=[flip({'左': '右'}), [len]])]
    assert with_checked_flips(choice, ['左', '右'], 2)[0]['transforms'] == [flip({0: 1}), [len]]
    assert with_checked_flips(flip(STHV2_FLIP_LABEL_MAP), None, 174) == flip(STHV2_FLIP_LABEL_MAP)
    assert with_checked_flips([len, dict(type='Flip')], None, 2) == [len, dict(type='Flip')]
