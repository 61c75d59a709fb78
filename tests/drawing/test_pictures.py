"""Bars are as long as the probability, and text of any script and length stays in the picture."""

import numpy as np
import pytest

from mmvidext.drawing import text_font
from mmvidext.drawing.pictures import draw_bars, draw_boxes, draw_legend
from mmvidext.drawing.text_font import find_font, fit_names

BLUE = np.array((30, 120, 220))


def bar_lengths(picture):
    """Return the length of the longest blue run of each row in which there is one."""
    blue = (picture == BLUE).all(axis=2)
    return [int(row.sum()) for row in blue if row.any()]


@pytest.mark.parametrize('size', [(240, 320), (48, 64), (1080, 1920), (60, 1000)])
def test_bars(size):
    frame = np.full((*size, 3), 200, np.uint8)
    picture = draw_bars(frame, [('a', 0.75), ('b', 0.25), ('c' * 200, 0.0)])
    assert (frame == 200).all()
    assert picture.shape[1] >= 320
    assert picture.shape[0] * size[1] == picture.shape[1] * size[0]
    lengths = bar_lengths(picture)
    assert max(lengths) == pytest.approx(0.75 * picture.shape[1], rel=0.15)
    assert (picture[-1] == 200).all()


@pytest.mark.parametrize(('size', 'drawn'), [((960, 1), (1920, 320)), ((2000, 300), (2000, 320))])
def test_a_tall_picture_is_not_enlarged_beyond_what_a_video_can_hold(size, drawn):
    picture = draw_bars(np.full((*size, 3), 200, np.uint8), [('a', 0.75)])
    assert picture.shape == (*drawn, 3)
    times = drawn[0] // size[0]
    assert (picture[-1, : times * size[1]] == 200).all()
    assert (picture[-1, times * size[1] :] == 0).all()
    assert max(bar_lengths(picture)) == pytest.approx(0.75 * 320, rel=0.15)


def test_no_prediction_yet():
    frame = np.full((240, 320, 3), 200, np.uint8)
    assert (draw_bars(frame, []) == frame).all()  # no dark panel without text either


def test_a_font_that_has_the_characters():
    font = find_font(frozenset('Äπж'), 20)
    assert font.getmask('π').getbbox() != font.getmask('\uffff').getbbox()
    assert find_font(frozenset('\U00012000'), 12).getlength('x') > 0  # no font has it: something is drawn all the same


def test_what_no_font_has_is_said_once_and_fonts_are_read_once(monkeypatch):
    said, read = [], []
    monkeypatch.setattr(text_font, 'print_log', lambda text, **_: said.append(text))
    monkeypatch.setattr(text_font, '_system_fonts', lambda: [text_font._USUAL.with_name('DejaVuSansMono.ttf')])
    find_font(frozenset('\U00012001x'), 12)
    monkeypatch.setattr(text_font, 'FT2Font', lambda path: read.append(path))
    find_font(frozenset('\U00012001y'), 12)
    find_font(frozenset('\n\x1b'), 12)
    assert len(said) == 1
    assert "no font here has '\U00012001' beside the other characters" in said[0]
    assert read == []


def test_names_fit_into_their_room():
    font = find_font(frozenset('abcdefgh .'), 20)
    begin, end = 'abc def ' * 20, ' fed cba' * 20
    assert fit_names(['abc', 'a\nb', ''], 100, font) == ['abc', 'a\ufffdb', '']
    for room in (60, 100, 333):
        (name,) = fit_names([begin + end], room, font)
        left, right = name.split('...')
        assert begin.startswith(left)
        assert end.endswith(right)
        assert left + right
        assert room - 20 < font.getlength(name) <= room
    assert fit_names([begin], 1, font) == ['...']


def test_names_with_line_ends_and_without_end_are_drawn():
    frame, color = np.full((240, 320, 3), 90, np.uint8), np.array([[255, 0, 0]], np.uint8)
    box = np.array([[200, 100, 310, 140]], np.float32)
    for name in ('a\nb', 'a' * 500):
        assert draw_legend(frame, [name], color)[:, -1].min() == 90  # darkened up to its end, inside the picture
        boxed = draw_boxes(frame, box, [name], color)
        assert (boxed[-90:] == 90).all()


def test_legend():
    colors = np.array([[255, 0, 0], [0, 255, 0]], np.uint8)
    picture = draw_legend(np.full((120, 200, 3), 90, np.uint8), ['road', 'car ' * 50], colors)
    assert picture.shape == (120, 200, 3)
    for color in colors:
        assert (picture == color).all(axis=2).sum() > 20
    assert (picture[-10:] == 90).all()
    assert draw_legend(picture, [], colors[:0]) is picture
