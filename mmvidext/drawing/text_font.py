"""A font that has the characters of a text: names of classes come in every script."""

import logging
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import matplotlib
from matplotlib.font_manager import findSystemFonts
from matplotlib.ft2font import FT2Font
from mmengine.logging import print_log
from PIL import ImageFont

__all__ = ['find_font']

_USUAL = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / 'DejaVuSans.ttf'


@lru_cache(maxsize=64)
def find_font(characters: frozenset[str], size: int) -> ImageFont.FreeTypeFont:
    """Return a font with these characters: DejaVu Sans, which comes with matplotlib, or one of the system.

    Where no font has them all, that is logged once, and the missing ones are drawn as boxes.

    Args:
        characters: What is going to be written.
        size: In pixels.
    """
    needed = {ord(character) for character in characters if not character.isspace()}
    path = _font_file(frozenset(needed))
    return ImageFont.truetype(str(path), size)


@lru_cache(maxsize=16)
def _font_file(needed: frozenset[int]) -> Path:
    if not (missing := _missing(_USUAL, needed)):
        return _USUAL
    fewest, best = len(missing), _USUAL
    for path in _system_fonts():
        count = len(_missing(path, needed))
        if count < fewest:
            fewest, best = count, path
        if not count:
            return best
    text = ''.join(sorted(map(chr, missing)))[:20]
    print_log(
        f'no font here has all of {text!r}: they are drawn as boxes; install one, for example '
        'with: apt install fonts-noto-cjk',
        logger='current',
        level=logging.WARNING,
    )
    return best


@lru_cache(maxsize=1)
def _system_fonts() -> list[Path]:
    return sorted(map(Path, findSystemFonts()))


def _missing(path: Path, needed: Iterable[int]) -> set[int]:
    try:
        known = FT2Font(str(path)).get_charmap()
    except (OSError, RuntimeError):  # a file that FreeType cannot read
        return set(needed)
    return {number for number in needed if number not in known}
