"""Build SpatialHan.ttf: the Chinese characters of a first figure, cut from Noto Sans CJK SC (SIL OFL 1.1).

    apt install fonts-noto-cjk && python shapefiles/build/build_han.py

It holds the 3,755 characters of GB 2312's first level, those of all names in the shipped samples and of this
package's own words, and Chinese punctuation; no Latin letters, which come from a Latin face.  Outlines are
made quadratic, so that PDF files embed them as TrueType.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont, newTable

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "spatial" / "figures" / "style" / "han" / "SpatialHan.ttf"
NOTO = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
FAMILY = "Spatial Han"  # OFL: a changed font has a name of its own
PUNCTUATION = "，。、；：？！（）《》〈〉【】「」“”‘’—…％·～￥０１２３４５６７８９"
# Names of prefecture-level units have eight characters beyond the first level.
PLACES = "亳儋圳泸漯濮莞衢"

# Of the table "maxp": what a font without instructions leaves at zero, or fontTools counts itself.
UNUSED = """
    maxTwilightPoints maxStorage maxFunctionDefs maxInstructionDefs maxStackElements maxSizeOfInstructions
    maxPoints maxContours maxCompositePoints maxCompositeContours maxComponentElements maxComponentDepth
"""


def characters() -> str:
    """Return what the font holds, sorted."""
    cells = [bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    found = {cell.decode("gb2312", errors="ignore") for cell in cells} | {*PUNCTUATION, *PLACES}
    words = [*(ROOT / "spatial").rglob("*.py"), *(ROOT / "shapefiles").rglob("*.csv")]
    for path in words:
        found |= {c for c in path.read_text(encoding="utf-8") if "\u4e00" <= c <= "\u9fff"}
    return "".join(sorted(found - {""}))


def main(source: Path = NOTO) -> None:
    """Cut, convert and write."""
    faces = TTCollection(source, lazy=True).fonts
    font = next(face for face in faces if face["name"].getDebugName(1) == "Noto Sans CJK SC")
    font.recalcTimestamp = False
    options = subset.Options(hinting=False, desubroutinize=True, notdef_outline=True)
    options.layout_features = []
    options.name_IDs = [0, 7, 13, 14]
    options.drop_tables += ["BASE", "GSUB", "GPOS", "GDEF", "VORG", "vhea", "vmtx"]
    cut = subset.Subsetter(options)
    cut.populate(text=characters())
    cut.subset(font)
    _to_truetype(font)
    for number, name in ((1, FAMILY), (2, "Regular"), (4, FAMILY), (6, FAMILY.replace(" ", ""))):
        font["name"].setName(name, number, 3, 1, 0x409)
    font.save(TARGET)


def _to_truetype(font: TTFont) -> None:
    glyphs, shapes = font.getGlyphSet(), {}
    for name in font.getGlyphOrder():
        pen = TTGlyphPen(glyphs)
        glyphs[name].draw(Cu2QuPen(pen, 2.0, reverse_direction=True))  # within 2/1000 of the size
        shapes[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphs, font["glyf"].glyphOrder = shapes, font.getGlyphOrder()
    most = font["maxp"]
    most.tableVersion = 0x00010000
    for key in UNUSED.split():
        setattr(most, key, 0)
    most.maxZones = 1
    font["post"].formatType = 3.0
    del font["CFF "]
    font.sfntVersion = "\0\1\0\0"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
