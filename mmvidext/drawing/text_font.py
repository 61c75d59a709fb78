"""A font that has the characters of a text: names of classes come in every script."""

import logging
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.font_manager import findSystemFonts
from matplotlib.ft2font import FT2Font
from mmengine.logging import print_log
from numpy.typing import NDArray
from PIL import ImageFont

__all__ = ['find_font', 'fit_names']

_USUAL = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / 'DejaVuSans.ttf'
_reported: set[int] = set()  # characters that no font has


def fit_names(names: Sequence[str], room: float, font: ImageFont.FreeTypeFont) -> list[str]:
    """Return names as they are drawn: on one line each, and no wider than there is room for.

    What cannot be printed, such as a line end, is shown as a question mark in a diamond.

    What is left of a name that is too wide is its beginning and its end, since either may be all that differs.

    Args:
        names: Of classes, runs or whatever others have named.
        room: In pixels of the font.
        font: What they are drawn in.
    """
    return [_fitted(''.join(one if one.isprintable() else '\ufffd' for one in name), room, font) for name in names]


def _fitted(name: str, room: float, font: ImageFont.FreeTypeFont) -> str:
    def cut(kept: int) -> str:
        return f'{name[: kept - kept // 2]}...{name[len(name) - kept // 2 :]}'

    if font.getlength(name) <= room:
        return name
    return cut(max(0, bisect_right(range(len(name)), room, key=lambda kept: font.getlength(cut(kept))) - 1))


@lru_cache(maxsize=64)
def find_font(characters: frozenset[str], size: int) -> ImageFont.FreeTypeFont:
    """Return a font with these characters: DejaVu Sans, which comes with matplotlib, or one of the system.

    Where no font has them all, the missing ones are drawn as boxes; each of them is logged once.

    Args:
        characters: What is going to be written; what is not printable is not asked for.
        size: In pixels.
    """
    needed = frozenset(ord(one) for one in characters if one.isprintable() and not one.isspace())
    return ImageFont.truetype(str(_font_file(needed)), size)


@lru_cache(maxsize=64)
def _font_file(needed: frozenset[int]) -> Path:
    missing, best = needed, _USUAL
    for path in _fonts():
        lacking = _lacking(path, needed)
        if len(lacking) < len(missing):
            missing, best = lacking, path
        if not lacking:
            return path
    if new := missing - _reported:
        _reported.update(new)
        print_log(
            f'no font here has {"".join(map(chr, sorted(new)))[:20]!r} beside the other characters: they are drawn as '
            'boxes; install one, for example with: apt install fonts-noto-cjk',
            logger='current',
            level=logging.WARNING,
        )
    return best


def _fonts() -> Iterator[Path]:
    yield _USUAL
    yield from _system_fonts()


@cache
def _system_fonts() -> list[Path]:
    return sorted(map(Path, findSystemFonts()))


def _lacking(path: Path, needed: frozenset[int]) -> frozenset[int]:
    """Return the characters that a font does not have."""
    known, numbers = _characters(path), np.array(sorted(needed), np.uint32)
    return frozenset(numbers[known[np.searchsorted(known, numbers)] != numbers].tolist())


@cache
def _characters(path: Path) -> NDArray[np.uint32]:
    """Return the characters of a font in their order, and a last number that is none: files are read once."""
    try:
        numbers = sorted(FT2Font(str(path)).get_charmap())
    except (OSError, RuntimeError):  # a file that FreeType cannot read
        numbers = []
    return np.array([*numbers, 2**32 - 1], np.uint32)
