import random

import pytest

from mmvidext.datasets.natural_order import natural_key, numbering_gap, repeated_number


def test_numbers_are_compared_by_their_values():
    names = [f'{number}.jpg' for number in range(1, 13)]
    assert sorted(random.Random(0).sample(names, 12), key=natural_key) == names
    assert sorted(['c_10_2', 'c_9_11', 'c_9_2'], key=natural_key) == ['c_9_2', 'c_9_11', 'c_10_2']
    assert sorted(['a', '1', '٣', 'a1b', 'a1'], key=natural_key) == ['1', 'a', 'a1', 'a1b', '٣']


@pytest.mark.parametrize(
    ('stems', 'gap', 'repeated'),
    [
        (['8', '9', '10'], None, None),
        (['0005', '0010', '0015'], None, None),
        (['a', 'b'], None, None),
        (['x_9', 'y_20', 'y_21'], None, None),
        ([], None, None),
        (['0001', '0002', '0003', '0008'], ('0003', '0008'), None),
        (['c_1_06', 'c_1_07', 'c_1_7'], ('c_1_06', 'c_1_07'), ('c_1_07', 'c_1_7')),
    ],
)
def test_numbering(stems, gap, repeated):
    assert numbering_gap(stems) == gap
    assert repeated_number(stems) == repeated
