"""Draw predictions into pictures: the best classes as bars, boxes, a legend of colors, and a border."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mmvidext.drawing.text_font import find_font, fit_names

__all__ = ['draw_bars', 'draw_border', 'draw_boxes', 'draw_legend']

Frame = NDArray[np.uint8]

_LEAST_WIDTH = 320  # smaller pictures are enlarged, so that text can be read
_MOST_HEIGHT = 1920  # up to which they are
_WHITE, _BAR = (255, 255, 255), (30, 120, 220)


def draw_bars(frame: Frame, best: Sequence[tuple[str, float]], *, note: str = '') -> Frame:
    """Draw the best classes over the top of a picture, each with a bar as long as its probability.

    Args:
        frame: RGB ``uint8 (H, W, 3)``. One that is narrower than 320 pixels is enlarged, but not above a height of
            1920; what is missing of the width then is black.
        best: Names and probabilities, best first.
        note: A last line, for example the speed.

    Returns:
        RGB ``uint8``.
    """
    picture = _enlarged(frame)
    lines = [*best, *([(note, None)] if note else [])]
    if not lines:
        return picture
    height, width = picture.shape[:2]
    step = max(14, min(width // 24, height // (2 * len(lines))))
    panel = picture[: step * len(lines) + step // 3]
    panel //= 3
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    font = find_font(frozenset('0123456789.% ' + ''.join(name for name, _ in lines)), max(9, int(step * 0.7)))
    inside = width - step
    for number, (name, probability) in enumerate(lines):
        top = step // 6 + number * step
        percent = ''
        if probability is not None:
            draw.rectangle((step // 2, top, step // 2 + inside * probability, top + step - 3), fill=_BAR)
            percent = f'{100 * probability:.1f} %'
            draw.text((width - step * 0.7 - draw.textlength(percent, font), top), percent, _WHITE, font)
        (text,) = fit_names([name], inside - 0.4 * step - draw.textlength(percent + '  ', font), font)
        draw.text((step * 0.7, top), text, _WHITE, font)
    return np.array(image)


def draw_legend(frame: Frame, names: Sequence[str], colors: NDArray[np.uint8]) -> Frame:
    """Draw a legend over the left of a picture, as many classes as there is room for.

    Args:
        frame: RGB ``uint8 (H, W, 3)``.
        names: Of the classes.
        colors: Their colors, RGB ``uint8 (len(names), 3)``.

    Returns:
        RGB ``uint8 (H, W, 3)``.
    """
    height, width = frame.shape[:2]
    step = max(11, min(width // 30, height // 14))
    shown = list(names[: max(1, (height - step) // step)])
    if not shown:
        return frame
    font = find_font(frozenset(''.join(shown) + ' '), max(9, int(step * 0.75)))
    image = Image.fromarray(frame)
    draw = ImageDraw.Draw(image)
    shown = fit_names(shown, width - 2.5 * step, font)
    longest = max(draw.textlength(name, font) for name in shown)
    right, bottom = int(min(width, longest + 2.5 * step)), int((len(shown) + 0.6) * step)
    darkened = np.array(image)
    darkened[:bottom, :right] //= 3
    image = Image.fromarray(darkened)
    draw = ImageDraw.Draw(image)
    for number, name in enumerate(shown):
        top = step * 0.3 + number * step
        color = tuple(int(value) for value in colors[number])
        draw.rectangle((step * 0.4, top + step * 0.15, step * 1.2, top + step * 0.85), fill=color)
        draw.text((step * 1.6, top), name, _WHITE, font)
    return np.array(image)


def draw_border(frame: Frame, color: tuple[int, int, int] = (255, 220, 0)) -> Frame:
    """Return the picture, RGB ``uint8 (H, W, 3)``, with a border inside its edges."""
    border = max(2, min(frame.shape[:2]) // 50)
    framed = np.empty_like(frame)
    framed[:] = color
    framed[border:-border, border:-border] = frame[border:-border, border:-border]
    return framed


def draw_boxes(frame: Frame, boxes: NDArray[np.float32], names: Sequence[str], colors: NDArray[np.uint8]) -> Frame:
    """Draw boxes, each with a name at its upper edge.

    Args:
        frame: RGB ``uint8 (H, W, 3)``.
        boxes: ``(K, 4)``: ``x1, y1, x2, y2`` in pixels; the last one is drawn on top.
        names: K texts.
        colors: Of the boxes, RGB ``uint8 (K, 3)``.

    Returns:
        RGB ``uint8 (H, W, 3)``.
    """
    height, width = frame.shape[:2]
    line, size = max(1, min(height, width) // 200), max(9, min(height, width) // 32)
    font = find_font(frozenset(''.join(names) + ' '), size)
    image = Image.fromarray(frame)
    draw = ImageDraw.Draw(image)
    for box, name, color in zip(boxes, fit_names(names, width - 4, font), colors, strict=True):
        fill = tuple(int(value) for value in color)
        left, top, right, bottom = (float(value) for value in box)
        draw.rectangle((left, top, max(left, right), max(top, bottom)), outline=fill, width=line)
        text_width, text_height = draw.textlength(name, font) + 4, size + 4
        x = min(max(left, 0), max(0, width - text_width))
        y = top - text_height if top >= text_height else max(top, 0)
        draw.rectangle((x, y, x + text_width, y + text_height), fill=fill)
        # black or white, whatever can be read on the color
        brightness = 0.299 * fill[0] + 0.587 * fill[1] + 0.114 * fill[2]
        draw.text((x + 2, y + 1), name, (0, 0, 0) if brightness > 128 else _WHITE, font)
    return np.array(image)


def _enlarged(frame: Frame) -> Frame:
    height, width = frame.shape[:2]
    if width >= _LEAST_WIDTH:
        return frame.copy()
    times = max(1, min(-(-_LEAST_WIDTH // width), _MOST_HEIGHT // height))
    large = cv2.resize(frame, (width * times, height * times), interpolation=cv2.INTER_CUBIC)
    return np.pad(large, ((0, 0), (0, max(0, _LEAST_WIDTH - width * times)), (0, 0)))
