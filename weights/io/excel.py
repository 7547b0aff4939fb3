"""Excel workbooks: links or a dense matrix in a sheet, read and written by openpyxl."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from spatial.errors import name_ids
from spatial.weights.meta import HasLinks

from .parsed import Options, Parsed, flag, needs_openpyxl
from .tables import Row, read_table, table_of, table_rows
from .words import plain_ids

__all__ = ["read_xlsx", "write_xlsx"]

_ESCAPE = re.compile(r"\r|_x[0-9A-Fa-f]{4}_")  # what Excel's file format writes otherwise


def read_xlsx(path: Path, options: Options) -> Parsed:
    """Read the first sheet, or the one named, as `read_csv`; cells keep their type."""
    try:
        import openpyxl
    except ImportError:
        raise needs_openpyxl(path) from None
    try:
        # From memory: a workbook that cannot be read would leave its file open.
        book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=True)
    except Exception as error:  # openpyxl lets through what zipfile, xml and its own parts raise
        raise flag(path, f"not a readable .xlsx workbook ({type(error).__name__}). Save it again.") from None
    try:
        names = book.sheetnames
        if options.sheet is not None and options.sheet not in names:
            raise flag(path, f"there is no sheet {options.sheet!r}; the sheets are {name_ids(names)}.")
        sheet = book[options.sheet if options.sheet is not None else names[0]]
        kept = _trimmed([list(cells) for cells in sheet.iter_rows(values_only=True)])
    finally:
        book.close()
    if not kept:
        raise flag(path, "the sheet is empty. Name another with sheet=.")
    return read_table(table_of(lambda: iter(kept), _typed_cells, path), options.form)


def _trimmed(cells: list[list[Any]]) -> list[Row]:
    """Number the rows that hold anything; cut empty columns at the end, titles above and notes below."""
    rows = [(k, row) for k, row in enumerate(cells, start=1) if any(c is not None for c in row)]
    while len(rows) > 1 and _is_remark(rows[0][1], rows[1:]):
        del rows[0]
    while len(rows) > 1 and _is_remark(rows[-1][1], rows[:-1]):
        del rows[-1]
    width = max((k for _, row in rows for k, c in enumerate(row, start=1) if c is not None), default=0)
    return [(k, [*row[:width], *[None] * (width - len(row))]) for k, row in rows]


def _is_remark(row: list[Any], others: list[Row]) -> bool:
    """Whether a row is one text alone, beside a table of two columns or more."""
    filled = [c for c in row if c is not None]
    return (
        len(filled) == 1
        and isinstance(filled[0], str)
        and any(sum(c is not None for c in other) > 1 for _, other in others)
    )


def _typed_cells(cells: Sequence[Any], column: int | None = None, weight: int = 0) -> list[Any]:  # noqa: ARG001
    """Return integers where all cells are whole numbers, else texts."""
    whole = [int(c) if isinstance(c, float) and c.is_integer() else c for c in cells]
    if all(isinstance(c, int) and not isinstance(c, bool) for c in whole):
        return whole
    return ["" if c is None else str(c) for c in whole]


def write_xlsx(W: HasLinks, path: Path, options: Options) -> None:
    """Write the dense matrix with ids, or links; text ids stay text cells."""
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.utils.exceptions import IllegalCharacterError
    except ImportError:
        raise needs_openpyxl(path) from None
    _require_excel_ids(plain_ids(W.ids, path), path)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("weights")

    def cell(value: Any) -> Any:
        if isinstance(value, int):
            return value
        # An id that begins with = is no formula; and openpyxl would cut a number to 16 digits.
        kept = WriteOnlyCell(sheet, value=value if isinstance(value, str) else repr(value))
        kept.data_type = "s" if isinstance(value, str) else "n"
        return kept

    try:
        for row in table_rows(W, path, options.form or "dense"):
            sheet.append([cell(value) for value in row])
    except IllegalCharacterError:
        raise flag(path, "an id holds a control character, which Excel cannot keep. Write .csv.") from None
    book.save(path)


def _require_excel_ids(ids: Iterable[Any], path: Path) -> None:
    """Refuse integers that Excel rounds, and texts that it changes."""
    bad = [i for i in ids if (abs(i) >= 10**15 if isinstance(i, int) else i == "" or _ESCAPE.search(i))]
    if bad:
        raise flag(
            path,
            f"Excel keeps integers of up to 15 digits and plain text; it would change {name_ids(bad)}. "
            "Write .csv, .parquet or .npz.",
        )
