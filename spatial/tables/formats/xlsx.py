"""Tables in Excel: text is text, numbers are shown with the digits of the other formats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from spatial.errors import DataError
from spatial.io.atomic import atomic_path

from .cells import Cells

__all__ = ["write_xlsx"]

_NUMBER = re.compile(r"^-?\d+(?:\.(\d+))?$")
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
            _Sheet(book, f"Cells {number}").write(table)
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
        found = _NUMBER.match(text)
        if found and column and len(text.lstrip("-").replace(".", "")) <= 15:
            decimals = len(found[1] or "")
            shown = self.format(**options, num_format="0." + "0" * decimals if decimals else "0")
            self.sheet.write_number(row, column, float(text), shown)
        elif text:
            self.sheet.write_string(row, column, text, self.format(**options))
        else:
            self.sheet.write_blank(row, column, None, self.format(**options))

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
            self.put(at, 0, row.label, {"align": "left", **lines})
            for j in range(width):
                text = row.cells[j] if row.kind != "panel" else ""
                self.put(at, j + 1, text, {"align": "center", **lines})
            at += 1
        small = self.format(font_size=9, text_wrap=True, valign="top")
        for note in table.notes:
            self._over(at, 0, width, note, small)
            self.sheet.set_row(at, 12.5 * (1 + _columns(note) // (26 + 13 * width)))
            at += 1
        self.sheet.set_column(0, 0, min(60, max(12, *(_columns(r.label) + 2 for r in table.rows if r.cells))))
        self.sheet.set_column(1, width, 13)

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
                else:
                    # A number over a column is its name.
                    self.sheet.write_string(at, column, head.text, self.format(**options))
                column += head.span
            at += 1
        return at

    def _over(self, row: int, first: int, last: int, text: str, style: Any) -> None:
        if last > first:
            # merge_range guesses at types: the text is written over its blank.
            self.sheet.merge_range(row, first, row, last, "", style)
        self.sheet.write_string(row, first, text, style)


def _columns(text: str) -> int:
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)
