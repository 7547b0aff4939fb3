"""Tables of cells, whatever file they stand in: links i, j, w, or the dense matrix with or without ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import AlignmentError, WeightsError, name_ids
from spatial.weights.conversion import HEADS, STRENGTHS, TAILS, link_columns
from spatial.weights.meta import HasLinks

from .links import links_to_csr, with_islands
from .parsed import Parsed, flag
from .words import numbers, plain_ids

__all__ = ["Row", "Table", "read_table", "table_of", "table_rows"]

Row = tuple[int, list[Any]]
# Gives the ids of cells; which column they stand in, and which one holds weights, may matter.
Typed = Callable[[Sequence[Any], "int | None", int], "list[Any]"]
# Stata and MATLAB number the columns of a matrix themselves: these are no ids.
_NUMBERED = re.compile(r"(?:v|w|x|c|r|var|col|row|column)_?([0-9]+)", re.IGNORECASE)
_LAYOUT = (
    "Say which with form='links' (i, j, w), form='dense' (weights only) or form='labelled' "
    "(ids in the first row and the first column)."
)
_DENSE_LIMIT = 16_383  # columns of an Excel sheet, less the one of the ids


@dataclass(frozen=True)
class Table:
    """Rows that can be gone through again, the form found so far, and how ids are to be understood."""

    rows: Callable[[], Iterator[Row]]
    n_rows: int
    n_columns: int
    first_row: list[Any]
    first_column: list[Any]
    typed: Typed
    path: Path


def table_of(rows: Callable[[], Iterator[Row]], typed: Typed, path: Path) -> Table:
    first_row: list[Any] = []
    first_column: list[Any] = []
    for number, cells in rows():
        if not first_row:
            first_row = cells
        elif len(cells) != len(first_row):
            raise flag(
                path,
                f"each line must have as many cells as the first, {len(first_row)}; this one has "
                f"{len(cells)}. Is the file truncated?",
                number,
            )
        first_column.append(cells[0])
    return Table(rows, len(first_column), len(first_row), first_row, first_column, typed, path)


# ---- which form
def read_table(table: Table, form: str | None) -> Parsed:
    columns = _columns_of(table) if form is None else link_columns(table.first_row)
    if form == "links" or (form is None and columns is not None):
        return _read_links(table, columns)
    layout = _layout(table, form)
    matrix = _dense(table, *layout)
    return Parsed(matrix, _labels(table, *layout))


def _columns_of(table: Table) -> tuple[int, int, int] | None:
    """Return the columns of i, j and w where the table is one of links, else None."""
    named = link_columns(table.first_row)
    if named == (0, 1, 2) and table.n_columns == 3:
        return named
    if _is_labelled(table):
        return None
    if named is not None:
        return named
    if table.n_columns != 3:
        return None
    _refuse_misplaced(table)
    if table.n_rows in (2, 3, 4):
        raise flag(
            table.path,
            f"a table of {table.n_rows} rows and 3 columns can be links or a dense matrix. {_LAYOUT}",
        )
    return (0, 1, 2)


def _refuse_misplaced(table: Table) -> None:
    """Refuse a header whose known names say that the columns are not unit, neighbour and weight in turn."""
    names = [str(cell).strip().lower() for cell in table.first_row]
    for place, name in enumerate(names):
        meant = [k for k, known in enumerate((HEADS, TAILS, STRENGTHS)) if name in known]
        if meant and meant != [place]:
            raise flag(
                table.path,
                f"the header {name_ids(table.first_row)} does not say which columns are unit, neighbour and "
                "weight. Name them i, j and w.",
                1,
            )


def _texts(cells: Sequence[Any]) -> list[str]:
    return ["" if c is None else str(int(c) if isinstance(c, float) and c.is_integer() else c) for c in cells]


def _is_number(cell: Any) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except (TypeError, ValueError):
        return False


def _is_labelled(table: Table) -> bool:
    """Whether the first row and the first column are the same ids around a corner that is no number."""
    head, side = _texts(table.first_row[1:]), _texts(table.first_column[1:])
    if _is_number(table.first_row[0]) or len(head) != len(side) or len(set(head)) != len(head):
        return False
    return set(head) == set(side) or (_are_numbered(head) and len(set(side)) == len(side))


def _are_numbered(names: Sequence[Any]) -> bool:
    """Whether names are v1, v2, ... as Stata and MATLAB give them."""
    found = [_NUMBERED.fullmatch(str(name).strip()) for name in names]
    return bool(names) and all(m and int(m[1]) == k for k, m in enumerate(found, start=1))


def _layout(table: Table, form: str | None) -> tuple[bool, bool]:
    """Return whether the matrix has a row of ids above it, and a column of ids beside it."""
    rows, columns = table.n_rows, table.n_columns
    if form == "labelled" or (form is None and rows == columns and _is_labelled(table)):
        if rows != columns or rows < 2:
            raise _not_square(table, "with ids in the first row and the first column")
        return True, True
    if rows == columns:
        if form is None:
            _refuse_doubtful(table)
        return False, False
    if rows == columns + 1:
        return True, False
    if columns == rows + 1:
        return False, True
    raise _not_square(table, "with or without ids in the first row and the first column")


def _not_square(table: Table, how: str) -> WeightsError:
    return flag(
        table.path,
        f"links need three columns i, j, w, and a dense matrix must be square, {how}; "
        f"found {table.n_rows} rows and {table.n_columns} columns.",
    )


def _refuse_doubtful(table: Table) -> None:
    """Refuse a square of numbers whose first row and column could be integer ids or weights."""
    head, side = _texts(table.first_row[1:]), _texts(table.first_column[1:])
    whole = all(re.fullmatch(r"[1-9][0-9]*", c) for c in head)
    if len(head) > 1 and whole and len(set(head)) == len(head) and set(head) == set(side):
        raise flag(
            table.path,
            f"the first row and the first column are both {name_ids(head, 3)}: ids, or weights? {_LAYOUT}",
        )
    if not _is_number(table.first_row[0]):
        if all(_is_number(c) for c in table.first_row[1:]) and all(
            _is_number(c) for c in table.first_column[1:]
        ):
            return  # one bad cell: named when the numbers are read
        only = set(head) ^ set(side)
        raise AlignmentError(
            f"{table.path.name}: the ids of the first row and of the first column must be the same, each "
            f"once; not so: {name_ids(sorted(only) or sorted(h for h in head if head.count(h) > 1))}."
        )


# ---- the two forms
def _labels(table: Table, header: bool, side: bool) -> list[Any] | None:
    cells = table.first_column[header:] if side else table.first_row if header else None
    return None if cells is None or _are_numbered(cells) else table.typed(cells, 0 if side else None, -1)


def _dense(table: Table, header: bool, side: bool) -> sparse.csr_array:
    rows = table.rows()
    if header:
        next(rows)
    parts = [
        sparse.csr_array(numbers(cells[side:], table.path, [line] * len(cells))[None, :])
        for line, cells in rows
    ]
    matrix = sparse.csr_array(sparse.vstack(parts, format="csr"))
    if not (header and side):
        return matrix
    head, beside = _texts(table.first_row[1:]), _texts(table.first_column[1:])
    if _are_numbered(head) or _are_numbered(beside) or head == beside:
        return matrix
    # The same ids in another order: the columns follow the rows.
    order = pd.Index(head).get_indexer(pd.Index(beside))
    if (order < 0).any() or len(set(beside)) != len(beside):
        raise AlignmentError(
            f"{table.path.name}: the ids of the first row and of the first column must be the same, each "
            f"once; not so: {name_ids(sorted(set(head) ^ set(beside)) or sorted(beside))}."
        )
    return sparse.csr_array(matrix[:, order])


def _read_links(table: Table, columns: tuple[int, int, int] | None) -> Parsed:
    if columns is None and table.n_columns != 3:
        raise flag(table.path, f"links need three columns, i, j and w; found {table.n_columns}.")
    i, j, w = columns or (0, 1, 2)
    header = not _is_number(table.first_row[w])
    cells = [(line, row[i], row[j], row[w]) for line, row in table.rows()][header:]
    if not cells:
        raise flag(table.path, "there are no links below the header.")
    lines, heads, tails, weights = (list(part) for part in zip(*cells, strict=True))
    values = numbers(weights, table.path, lines)
    units = list(dict.fromkeys([*heads, *tails]))
    if any(unit is None for unit in units):
        line = next(n for n, a, b in zip(lines, heads, tails, strict=True) if a is None or b is None)
        raise flag(table.path, "a link lacks an id; each needs i, j and w.", line)
    matrix = links_to_csr(units, heads, tails, values, table.path)
    return Parsed(matrix, table.typed(units, i, w), complete=False)


# ---- writing
def table_rows(W: HasLinks, path: Path, form: str) -> Iterator[list[Any]]:
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
    if len(W.ids) > _DENSE_LIMIT:
        raise flag(
            path,
            f"a dense table of {len(W.ids)} units would have {len(W.ids) ** 2} cells; at most "
            f"{_DENSE_LIMIT} units are written. Write form='links', .mtx, .parquet or .npz.",
        )
    yield ["id", *ids]
    starts, columns, data = W.sparse.indptr, W.sparse.indices, W.sparse.data
    for row, name in enumerate(ids):
        part = slice(starts[row], starts[row + 1])
        cells: list[Any] = [0] * len(W.ids)
        for j, w in zip(columns[part].tolist(), data[part].tolist(), strict=True):
            cells[j] = w
        yield [name, *cells]
