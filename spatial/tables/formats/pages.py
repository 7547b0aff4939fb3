"""How a table is set on paper: widths of columns, parts, upright or on its side, the size of its type."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from .cells import Cells, Head, Row, spread
from .numbers import is_aligned, split_stars

__all__ = [
    "LANDSCAPE",
    "PORTRAIT",
    "Page",
    "build_pages",
    "points_parts",
    "text_width",
    "unbroken",
    "wrapped",
]

# Points between the margins of A4, 2.5 cm wide, upright and on its side.
PORTRAIT, LANDSCAPE = 453.0, 700.0
_SIZES = (10.5, 9.0, 8.0)  # nothing under 8 pt
_GAP = 11.0  # points between the texts of two columns
# Widths in ems of a serif face, a little generous: narrow, wide and capital letters; others take .5.
_NARROW, _WIDE = frozenset("ijltfrI.,:;'|!()[]-* "), frozenset("mwMW%—@")
_CONTINUED = {"en": "{title} (continued)", "zh": "{title}（续）"}


@dataclass(frozen=True, eq=False)
class Page:
    """A table that fits: `widths` of its columns in points (the labels first), its type, and how it lies."""

    table: Cells
    widths: tuple[float, ...]
    size: float
    lies: bool
    fits: bool = True

    @property
    def is_long(self) -> bool:
        """Whether head, rows and notes are more than a page has room for."""
        usable, table = sum(self.widths), self.table
        notes = sum(1 + int(text_width(note, 9.0) / usable) for note in table.notes)
        lines = len(table.header) + sum(map(self._lines, table.rows)) + 0.8 * notes
        return lines * 1.5 * self.size > (LANDSCAPE if not self.lies else PORTRAIT) - 40

    def _lines(self, row: Row) -> int:
        """Return how many lines a row takes: words are broken in their columns, numbers are not."""
        if row.kind == "panel":
            return 1
        words = [(row.label, self.widths[0])]
        words += [(t, w) for t, w in zip(row.cells, self.widths[1:], strict=True) if not is_aligned(t)]
        return max(len(wrapped(text, width, self.size)) for text, width in words)


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is, in points; stars are set small.

    Examples
    --------
    >>> text_width("0.137", 10), text_width("变量", 10)
    (23.5, 20.0)
    """
    shown, stars = split_stars(text)
    ems = sum(map(_ems, shown))
    return round(size * (ems + 0.3 * len(stars)), 2)


def _ems(sign: str) -> float:
    # Signs such as × are drawn by the Chinese face beside Chinese text, one em wide.
    if unicodedata.east_asian_width(sign) in "WFA":
        return 1.0
    return 0.35 if sign in _NARROW else 0.85 if sign in _WIDE else 0.72 if sign.isupper() else 0.5


def points_parts(text: str, size: float) -> tuple[float, float]:
    """Return how much of a number stands before its decimal point, and how much from there on."""
    whole, _, rest = text.partition(".")
    return text_width(whole, size), text_width(f".{rest}", size)


def unbroken(text: str) -> str:
    """Return a note whose "p < 0.05" no line breaks.

    Examples
    --------
    >>> unbroken("* p < 0.05") == "*\u00a0p\u00a0<\u00a00.05"
    True
    """
    return re.sub(
        r"(?:(\*) )?\b(p) ([<≤=]) (?=\d)", lambda m: "\u00a0".join([*filter(None, m.groups()), ""]), text
    )


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Return text in lines of at most `width` points, broken at blanks and between Chinese characters only.

    Examples
    --------
    >>> wrapped("Road density per city", 60, 10)
    ['Road density', 'per city']
    """
    lines: list[str] = []
    for piece in _pieces(text):
        if lines and text_width(lines[-1] + piece.rstrip(), size) <= width:
            lines[-1] += piece
        else:
            lines.append(piece)
    return [line.strip() for line in lines] or [""]


def _pieces(text: str) -> list[str]:
    """Return what is never broken: words with the blank behind them, and Chinese characters by fours."""
    return re.findall(r"[\u2e80-\uffff]{1,4}|[^\s\u2e80-\uffff]+\s*|\s+", text)


def build_pages(table: Cells) -> list[Page]:
    """Return the table as it fits on A4: whole, by groups of columns, on its side, in smaller type, cut.

    A table wider than the page is split by its `groups` where each then fits; else it lies on its side; else
    both are tried in smaller type, never under 8 points; else it is cut.
    """
    if page := _page(table, PORTRAIT, _SIZES[0]):
        return [page]
    for size in _SIZES:
        parts = [_page(part, PORTRAIT, size) for part in _by_groups(table)]
        if len(parts) > 1 and all(parts):
            return [part for part in parts if part]
        if page := _page(table, LANDSCAPE, size):
            return [page]
    return _cut(table)


def _cut(table: Cells) -> list[Page]:
    """Return as many columns as fit on a page on its side, and so on; one that fits nowhere is marked."""
    size, start, out = _SIZES[-1], 0, list[Page]()
    while start < table.n_columns:
        stop = start + 1
        while stop < table.n_columns and _page(_columns(table, range(start, stop + 1)), LANDSCAPE, size):
            stop += 1
        part = _columns(table, range(start, stop))
        page = _page(part, LANDSCAPE, size)
        out.append(page or Page(part, _squeezed(part, LANDSCAPE, size), size, True, False))
        start = stop
    return [
        replace(page, table=part) for page, part in zip(out, _titled([p.table for p in out]), strict=True)
    ]


# ---- parts of a table
def _by_groups(table: Cells) -> list[Cells]:
    if table.groups is None:
        return [table]
    texts = [head.text for head in spread(table.header[table.groups])]
    found = dict.fromkeys(texts)
    parts = [_columns(table, [k for k, text in enumerate(texts) if text == name]) for name in found]
    return _titled(parts) if 1 < len(parts) < table.n_columns else [table]


def _titled(parts: list[Cells]) -> list[Cells]:
    """Return the parts, all but the first called continued; the notes stand below the last."""
    made = []
    for k, part in enumerate(parts):
        title = _CONTINUED[part.lang].format(title=part.title) if k and part.title else part.title
        made.append(replace(part, title=title, notes=part.notes if k == len(parts) - 1 else ()))
    return made


def _columns(table: Cells, kept: Sequence[int]) -> Cells:
    """Return some columns, without the rows that are empty in them."""
    header = []
    for top in table.header:
        heads = spread(top)
        # Only columns below one head share it: equal texts beside each other stay two.
        runs = [list(same) for _, same in groupby((heads[k] for k in kept), key=id)]
        header.append((top[0], *[Head(r[0].text, len(r), r[0].rule and len(r) > 1) for r in runs]))
    rows: list[Row] = []
    for row in table.rows:
        cells = tuple(row.cells[k] for k in kept) if row.cells else ()
        if row.kind == "panel" or any(cells) or not any(row.cells):
            rows.append(replace(row, cells=cells))
    return Cells(tuple(header), tuple(_headed(rows)), table.title, table.notes, table.lang)


def _headed(rows: list[Row]) -> list[Row]:
    """Leave out headings of panels that kept no row; a heading with a rule stands over those without."""
    kept: list[Row] = []
    for row in reversed(rows):
        below = kept[-1] if kept else None
        empty = below is None or (below.kind == "panel" and (below.rule or not row.rule))
        if row.kind != "panel" or not empty:
            kept.append(row)
    return kept[::-1]


# ---- widths
def _needs(table: Cells, size: float) -> list[tuple[float, float]]:
    """Return the least and the wished width of each column, the labels first; numbers are never broken."""
    labels = [row.label for row in table.rows if row.kind != "panel"] + [row[0].text for row in table.header]
    least, wished = _need(labels, size, whole=False)
    found = [(least + _GAP, wished + _GAP)]
    for k in range(table.n_columns):
        cells = [row.cells[k] for row in table.rows if row.cells]
        heads = [spread(row)[k].text for row in table.header if spread(row)[k].span == 1]
        numbers = [text for text in cells if any(c.isdigit() for c in text) and len(text) < 24]
        words = heads + [text for text in cells if text not in numbers]
        # A true minus is set for the hyphen, and the Chinese face draws it one em wide.
        minus = 0.65 * size if table.lang == "zh" and any("-" in text for text in numbers) else 0.0
        parts = [points_parts(text, size) for text in numbers if is_aligned(text)]
        aligned = max((a for a, _ in parts), default=0.0) + max((b for _, b in parts), default=0.0)
        needs = [_need(numbers, size, whole=True), _need(words, size, whole=False), (aligned, aligned)]
        found.append((max(a for a, _ in needs) + minus + _GAP, max(b for _, b in needs) + minus + _GAP))
    return found


def _need(texts: Sequence[str], size: float, *, whole: bool) -> tuple[float, float]:
    wished = max((text_width(text, size) for text in texts), default=0.0)
    pieces = texts if whole else [piece.strip() for text in texts for piece in _pieces(text)]
    return max((text_width(piece, size) for piece in pieces), default=0.0), wished


def _page(table: Cells, usable: float, size: float) -> Page | None:
    """Return the table on a page `usable` points wide, or None where words would be broken."""
    needs = _needs(table, size)
    # Labels may take two lines, rather than a table its side.
    least = [max(needs[0][0], min(needs[0][1], 0.3 * usable)), *[a for a, _ in needs[1:]]]
    _span(table, least, size)
    if sum(least) > usable:
        return None
    wished = [max(a, min(b, 0.45 * usable)) for a, (_, b) in zip(least, needs, strict=True)]
    return Page(table, _shared(least, wished, usable), size, usable == LANDSCAPE)


def _squeezed(table: Cells, usable: float, size: float) -> tuple[float, ...]:
    least = [a for a, _ in _needs(table, size)]
    return tuple(usable * width / sum(least) for width in least)


def _span(table: Cells, widths: list[float], size: float) -> None:
    """Widen columns below a head over several that has a longer word."""
    for row in table.header:
        place = 1
        for head in row[1:]:
            lacking = _need([head.text], size, whole=False)[0] + _GAP
            lacking -= sum(widths[place : place + head.span])
            for k in range(place, place + head.span):
                widths[k] += max(0.0, lacking) / head.span
            place += head.span


def _shared(least: list[float], wished: list[float], usable: float) -> tuple[float, ...]:
    """Return widths that fill the page: the wished ones as far as they go, what is left for all alike."""
    rest, more = usable - sum(least), [b - a for a, b in zip(least, wished, strict=True)]
    if rest <= sum(more):
        return tuple(a + rest * m / (sum(more) or 1.0) for a, m in zip(least, more, strict=True))
    first, others = wished[0], wished[1:]
    # Columns of one kind look best when they are equally wide.
    even = (usable - first) / len(others)
    if others and max(others) <= even:
        return (first, *[even] * len(others))
    return tuple(width + (usable - sum(wished)) / len(wished) for width in wished)
