"""Tables in Excel: numbers with all their digits, shown as in the other formats; text is text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from spatial.errors import DataError
from spatial.io.atomic import atomic_path

from .cells import Cells, spread
from .numbers import Number
from .pages import text_width

__all__ = ["write_xlsx"]

# What stands before a number, its sign and digits, and what stands behind: brackets, stars.
_NUMBER = re.compile(r"^([(\[]?)(-?)(\d+)(?:\.(\d+))?([)\]]?\**)$")
_YEAR = re.compile(r"^(1[5-9]|20|21)\d\d$")
_UPRIGHT = 90  # characters; a wider sheet lies on the page
# Text that begins like a formula stays text here; without these options xlsxwriter would read it.
_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write_xlsx(tables: Sequence[Cells], path: str | Path) -> Path:
    """Write each table on a sheet of its own."""
    import xlsxwriter

    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        raise DataError(f"Excel tables are written to .xlsx; got {target.name!r}.")
    with atomic_path(target) as temporary:
        book = xlsxwriter.Workbook(str(temporary), _OPTIONS)
        # No clock: equal tables are equal files.
        book.set_properties({"created": datetime(2000, 1, 1)})
        for number, table in enumerate(tables, start=1):
            _Sheet(book, f"Table {number}").write(table)
        book.close()
    return target


class _Sheet:
    """One sheet, with the formats of a three-line table."""

    def __init__(self, book: Any, name: str) -> None:
        self.book, self.sheet = book, book.add_worksheet(name)
        self.formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def format(self, **options: Any) -> Any:
        key = tuple(sorted(options.items()))
        if key not in self.formats:
            font = {"font_name": "Times New Roman", "font_size": 10.5}
            self.formats[key] = self.book.add_format({**font, **options})
        return self.formats[key]

    def put(self, row: int, column: int, text: str, options: Mapping[str, Any]) -> None:
        found = _NUMBER.match(text) if column else _YEAR.match(text)
        if not text:
            self.sheet.write_blank(row, column, None, self.format(**options))
        elif found and len(text) <= 20:
            shown = self.format(**options, num_format=_format(found) if column else "0")
            self.sheet.write_number(row, column, _value(text, found), shown)
        else:
            self.sheet.write_string(row, column, text, self.format(**options))

    def write(self, table: Cells) -> None:
        width, at = table.n_columns, 0
        self.sheet.hide_gridlines(2)
        self.sheet.set_paper(9)  # A4, as wide as one page
        self.sheet.fit_to_pages(1, 0)
        if table.title:
            centre = self.format(bold=True, align="center")
            self._over(at, 0, width, table.title, centre)
            at += 1
        at = self._head(table, at)
        for k, row in enumerate(table.rows):
            lines = {"top": 1} if row.rule else {}
            lines |= {"bottom": 2} if k == len(table.rows) - 1 else {}
            self.put(at, 0, row.label, {"align": "left", "bold": row.kind == "panel", **lines})
            for j in range(width):
                text = row.cells[j] if row.kind != "panel" else ""
                self.put(at, j + 1, text, {"align": "center", **lines})
            at += 1
        small = self.format(font_size=9, text_wrap=True, valign="top")
        widths = _widths(table)
        if sum(widths) > _UPRIGHT:
            self.sheet.set_landscape()
        for k, wide in enumerate(widths):
            self.sheet.set_column(k, k, wide)
        for note in table.notes:
            self._over(at, 0, width, note, small)
            self.sheet.set_row(at, 12.5 * (1 + text_width(note, 9) // (5.5 * sum(widths))))
            at += 1

    def _head(self, table: Cells, at: int) -> int:
        last = len(table.header) - 1
        for k, row in enumerate(table.header):
            lines = ({"top": 2} if k == 0 else {}) | ({"bottom": 1} if k == last else {})
            column = 0
            for head in row:
                under = {"bottom": 1} if head.rule else {}
                options = {"align": "center" if column else "left", **lines, **under}
                if head.span > 1:
                    self._over(at, column, column + head.span - 1, head.text, self.format(**options))
                elif _YEAR.match(head.text):
                    self.sheet.write_number(
                        at, column, int(head.text), self.format(**options, num_format="0")
                    )
                else:
                    # Another number over a column is its name.
                    self.sheet.write_string(at, column, head.text, self.format(**options))
                column += head.span
            at += 1
        return at

    def _over(self, row: int, first: int, last: int, text: str, style: Any) -> None:
        if last > first:
            # merge_range guesses at types: the text is written over its blank.
            self.sheet.merge_range(row, first, row, last, "", style)
        self.sheet.write_string(row, first, text, style)


def _value(text: str, found: re.Match[str]) -> float:
    """Return the value with all its digits, or that of the text where nobody kept more."""
    if isinstance(text, Number):
        return text.value
    return float(found[0]) if found.re is _YEAR else float(re.sub(r"[^\d.-]", "", text))


def _format(found: re.Match[str]) -> str:
    """Return the format that shows a value as the text: its decimals, brackets outside the sign, stars."""
    before, _, _, decimals, after = found.groups()
    digits = "0." + "0" * len(decimals) if decimals else "0"
    if not before and not after:
        return digits
    left, right = (f'"{part}"' if part else "" for part in (before, after))
    return f"{left}{digits}{right};{left}-{digits}{right}"


def _widths(table: Cells) -> list[float]:
    """Return the widths of the columns in characters, from what stands in them."""
    labels = [row.label for row in table.rows if row.kind != "panel"]
    columns = [[*labels, *[row[0].text for row in table.header]]]
    for k in range(table.n_columns):
        heads = [spread(row)[k] for row in table.header]
        shown = [head.text for head in heads if head.span == 1]
        columns.append([*shown, *[row.cells[k] for row in table.rows if row.cells]])
    return [min(60.0, max(9.0, 2 + max(text_width(t, 10.5) for t in texts) / 5.5)) for texts in columns]
