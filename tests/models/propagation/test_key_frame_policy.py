import pytest

from mmvidext.models.propagation import AdaptiveInterval, FixedInterval


def test_fixed_interval():
    policy = FixedInterval(3)
    assert [policy.is_due(distance) for distance in (1, 2, 3)] == [False, False, True]
    assert policy.trusts(100.0)


def test_adaptive_interval():
    policy = AdaptiveInterval(0.5, max_interval=4)
    assert [policy.is_due(distance) for distance in (3, 4)] == [False, True]
    assert [policy.trusts(residual) for residual in (0.5, 0.51)] == [True, False]


def test_errors_by_message():
    with pytest.raises(ValueError, match='the key-frame interval must be a whole number, at least 1, but is 0'):
        FixedInterval(0)
    with pytest.raises(ValueError, match='the greatest key-frame interval must be a whole number, at least 1'):
        AdaptiveInterval(max_interval=0)
    with pytest.raises(ValueError, match='the threshold of the residual must be between 0 and inf, but is -1'):
        AdaptiveInterval(-1)
    with pytest.raises(ValueError, match='the threshold of the residual must be between 0 and inf, but is nan'):
        AdaptiveInterval(float('nan'))
