"""The plugin ``within_bounds`` finds an access outside, in Triton's interpreter; see test_triton.py."""

import pytest
import torch
import triton
import triton.language as tl
from triton.runtime.errors import InterpreterError


@triton.jit
def _copy(source, target, first, count, size: tl.constexpr):
    place = first + tl.arange(0, size)
    tl.store(target + place, tl.load(source + place, mask=place < count, other=0.0), mask=place < count)


def copy(source, target, first, count):
    _copy[(1,)](source, target, first, count, size=16)


def test_what_a_mask_leaves_out_is_no_access():
    source, target = torch.randn(10), torch.zeros(10)
    copy(source, target, 0, 10)
    assert torch.equal(source, target)


@pytest.mark.parametrize(
    ('source', 'target', 'first'),
    [
        (torch.zeros(9), torch.zeros(10), 0),  # reads behind the end
        (torch.zeros(10), torch.zeros(9), 0),  # writes behind the end
        (torch.zeros(10), torch.zeros(10), -1),  # before the beginning
        (torch.zeros(20)[::2], torch.zeros(10), 0),  # what lies between the elements of a view
    ],
)
def test_an_access_outside_is_found(source, target, first):
    with pytest.raises(InterpreterError, match='addresses lie outside of the arguments'):
        copy(source, target, first, 10)
