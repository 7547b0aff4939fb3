"""Tables of cells, .csv and .xlsx: links i, j, w, or the dense matrix with or without ids."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatial.errors import AlignmentError, WeightsError, name_ids

from .parts import (
    Options,
    Parsed,
    flag,
    ids_by_rule,
    links_at_once,
    links_to_csr,
    needs_openpyxl,
    numbers,
    read_text,
)

__all__ = ["read_csv", "read_xlsx"]

Row = tuple[int, list[Any]]
# Gives the ids of cells; which column they stand in, and which one holds weights, may matter.
Typed = Callable[[Sequence[Any], "int | None", int], "list[Any]"]
# The usual names of the columns of a table of links: ours, libpysal's, spdep's, those of flow data.
_HEADS = {"i", "focal", "from", "origin", "source", "id_i"}
_TAILS = {"j", "neighbor", "neighbour", "to", "destination", "target", "id_j"}
_WEIGHTS = {"w", "weight", "weights", "wij", "w_ij"}
# Stata and MATLAB number the columns of a matrix themselves: these are no ids.
_NUMBERED = re.compile(r"(?:v|w|x|c|r|var|col|row|column)_?([0-9]+)", re.IGNORECASE)
_LAYOUT = (
    "Say which with form='links' (i, j, w), form='dense' (weights only) or form='labelled' "
    "(ids in the first row and the first column)."
)


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


# ---- reading: two kinds of file, one kind of table
def read_csv(path: Path, options: Options) -> Parsed:
    """Read links or a dense matrix; the separator is comma, semicolon, tab or blank."""
    text = read_text(path, options.encoding)
    first = re.sub(r'"[^"]*"', "", text.lstrip().split("\n", 1)[0])
    separator = max(",;\t ", key=lambda s: first.count(s) if s != " " else 0.5)
    try:
        return _read_csv(text, separator, path, options.form)
    except csv.Error as error:
        raise flag(path, f"not a table that can be read ({error}).") from None


def _read_csv(text: str, separator: str, path: Path, form: str | None) -> Parsed:
    quoted = _quoted_cells(text, separator)

    def typed(cells: Sequence[Any], column: int | None, weight: int) -> list[Any]:
        text_ids = column is not None and bool(quoted) and quoted[column] and not quoted[weight]
        return list(cells) if text_ids else ids_by_rule(cells)

    def rows() -> Iterator[Row]:
        for line, cells in _records(text, separator):
            if any(cell.strip() for cell in cells):
                yield line, cells if any(quoted) else [cell.strip() for cell in cells]

    header = next(rows(), (0, []))[1]
    if form in (None, "links") and len(header) == 3 and _named_columns(header) == (0, 1, 2):
        found = links_at_once(text, path, sep=separator, skiprows=1)
        if found is not None and (any(quoted) or all(unit == unit.strip() for unit in found[0])):
            return Parsed(found[1], typed(found[0], 0, 2), complete=False)
    return _read(_table(rows, typed, path), form)


def _records(text: str, separator: str) -> Iterator[Row]:
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=separator == " ")
    for cells in reader:
        yield reader.line_num, cells


def _quoted_cells(text: str, separator: str) -> list[bool]:
    """Which cells of the second record stand in quotes.

    Quotes around an id, and not around the weight, say that the id is text; see `read`.
    """
    ends = [line for line, cells in itertools.islice(_records(text, separator), 2) if cells]
    if len(ends) < 2:
        return []
    record = "".join(itertools.islice(io.StringIO(text, newline=""), ends[0], ends[1]))
    quoted: list[bool] = []
    begins, inside = True, False
    for character in record.rstrip("\r\n"):
        if begins:
            quoted.append(character == '"')
        inside ^= character == '"'
        begins = character == separator and not inside
    return quoted + [False] * begins


def read_xlsx(path: Path, options: Options) -> Parsed:
    """Read the first sheet, or the one named, as `read_csv`; cells keep their type."""
    try:
        import openpyxl
    except ImportError:
        raise needs_openpyxl(path) from None
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
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
    return _read(_table(lambda: iter(kept), _typed_cells, path), options.form)


def _trimmed(cells: list[list[Any]]) -> list[Row]:
    """Number the rows that hold anything, and cut columns that are empty to the end."""
    rows = [(k, row) for k, row in enumerate(cells, start=1) if any(c is not None for c in row)]
    width = max((k for _, row in rows for k, c in enumerate(row, start=1) if c is not None), default=0)
    return [(k, [*row[:width], *[None] * (width - len(row))]) for k, row in rows]


def _typed_cells(cells: Sequence[Any], column: int | None = None, weight: int = 0) -> list[Any]:  # noqa: ARG001
    """Return integers where all cells are whole numbers, else texts."""
    whole = [int(c) if isinstance(c, float) and c.is_integer() else c for c in cells]
    if all(isinstance(c, int) and not isinstance(c, bool) for c in whole):
        return whole
    return ["" if c is None else str(c) for c in whole]


def _table(rows: Callable[[], Iterator[Row]], typed: Typed, path: Path) -> Table:
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
def _read(table: Table, form: str | None) -> Parsed:
    columns = _link_columns(table) if form is None else _named_columns(table.first_row)
    if form == "links" or (form is None and columns is not None):
        return _read_links(table, columns)
    layout = _layout(table, form)
    matrix = _dense(table, *layout)
    return Parsed(matrix, _labels(table, *layout))


def _link_columns(table: Table) -> tuple[int, int, int] | None:
    """Return the columns of i, j and w where the table is one of links, else None."""
    named = _named_columns(table.first_row)
    if named == (0, 1, 2) and table.n_columns == 3:
        return named
    if _is_labelled(table):
        return None
    if named is not None:
        return named
    if table.n_columns != 3:
        return None
    if table.n_rows in (2, 3, 4):
        raise flag(
            table.path,
            f"a table of {table.n_rows} rows and 3 columns can be links or a dense matrix. {_LAYOUT}",
        )
    return (0, 1, 2)


def _named_columns(header: Sequence[Any]) -> tuple[int, int, int] | None:
    names = [str(cell).strip().lower() for cell in header]
    found = [[k for k, name in enumerate(names) if name in known] for known in (_HEADS, _TAILS, _WEIGHTS)]
    return (found[0][0], found[1][0], found[2][0]) if all(len(f) == 1 for f in found) else None


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


def _dense(table: Table, header: bool, side: bool) -> sp.csr_array:
    rows = table.rows()
    if header:
        next(rows)
    parts = [
        sp.csr_array(numbers(cells[side:], table.path, [line] * len(cells))[None, :]) for line, cells in rows
    ]
    matrix = sp.csr_array(sp.vstack(parts, format="csr"))
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
    return sp.csr_array(matrix[:, order])


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
