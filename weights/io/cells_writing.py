"""Tables of cells written: links i, j, w or the dense matrix with its ids, as .csv and .xlsx."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spatial.errors import name_ids
from spatial.weights.value import Weights

from .parts import Options, flag, needs_openpyxl, plain_ids, with_islands

__all__ = ["write_csv", "write_xlsx"]

_ESCAPE = re.compile(r"\r|_x[0-9A-Fa-f]{4}_")  # what Excel's file format writes otherwise
_DENSE_LIMIT = 16_383  # columns of an Excel sheet, less the one of the ids


def _table_rows(W: Weights, path: Path, form: str) -> Iterator[list[Any]]:
    """Return the rows of the table, one at a time: the dense matrix is never made whole."""
    ids = plain_ids(W.ids, path)
    if any(isinstance(i, str) and "\x00" in i for i in ids):
        raise flag(path, "an id cannot hold the character NUL. Rename these units.")
    if form == "links":
        yield ["i", "j", "w"]
        parts = (part.tolist() for part in with_islands(W))
        for i, j, w in zip(*parts, strict=True):
            yield [ids[i], ids[j], w]
        return
    if W.n > _DENSE_LIMIT:
        raise flag(
            path,
            f"a dense table of {W.n} units would have {W.n**2} cells; at most {_DENSE_LIMIT} units are "
            "written. Write form='links', .mtx, .parquet or .npz.",
        )
    yield ["id", *ids]
    starts, columns, data = W.sparse.indptr, W.sparse.indices, W.sparse.data
    for row, name in enumerate(ids):
        part = slice(starts[row], starts[row + 1])
        cells: list[Any] = [0] * W.n
        for j, w in zip(columns[part].tolist(), data[part].tolist(), strict=True):
            cells[j] = w
        yield [name, *cells]


def write_csv(W: Weights, path: Path, options: Options) -> None:
    """Write links i, j, w, or the dense matrix with ids; text ids are quoted, integers are not."""
    rows = _table_rows(W, path, options.form or "links")
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows(rows)


def write_xlsx(W: Weights, path: Path, options: Options) -> None:
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
        for row in _table_rows(W, path, options.form or "dense"):
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
