"""A font of squares, so that Chinese figures are tested on machines without a Chinese font."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen


def build_font(path: Path, family: str, characters: str) -> Path:
    """Write a TrueType font whose glyphs are squares."""
    names = {ord(c): f"uni{ord(c):04X}" for c in [" ", *characters]}
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for point in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(point)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    order = [".notdef", *names.values()]
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    builder.setupGlyf(dict.fromkeys(order, square))
    builder.setupHorizontalMetrics(dict.fromkeys(order, (900, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(path)
    return path


@cache
def register_font(folder: Path) -> None:
    """Make a font with all common Chinese characters known to matplotlib; installed ones are preferred."""
    from matplotlib.font_manager import fontManager

    # GB 2312's first level, the 3,755 most common characters, and Chinese punctuation.
    cells = [bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    common = [cell.decode("gb2312", errors="ignore") for cell in cells]
    characters = "".join(dict.fromkeys([*filter(None, common), *"，。、；：（）《》“”—"]))
    fontManager.addfont(build_font(folder / "small.ttf", "Small Chinese", characters))
