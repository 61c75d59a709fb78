import pytest
from mmaction.datasets.transforms import Flip

from mmvidext.datasets.flip_labels import STHV2_FLIP_LABEL_MAP, check_flip, flip_label_map


def test_pairs_are_found_by_their_names():
    names = [
        'Pulling something from left to right',
        'Dropping it',
        'Pulling something from right to left',
        'Turning LEFT',
    ]
    assert flip_label_map(names) == {0: 2, 2: 0}
    assert flip_label_map(['Turning clockwise', 'Turning counterclockwise', 'Leftover']) == {0: 1, 1: 0}


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
