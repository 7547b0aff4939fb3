"""Separated text, .csv: links or a dense matrix, by comma, semicolon, tab or blank."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spatial.weights.conversion import link_columns
from spatial.weights.meta import HasLinks

from .links import links_at_once
from .parsed import Options, Parsed, flag
from .tables import Row, read_table, table_of, table_rows
from .words import ids_by_rule, read_text

__all__ = ["read_csv", "write_csv"]


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
    if form in (None, "links") and len(header) == 3 and link_columns(header) == (0, 1, 2):
        found = links_at_once(text, path, sep=separator, skiprows=1)
        if found is not None and (any(quoted) or all(unit == unit.strip() for unit in found[0])):
            return Parsed(found[1], typed(found[0], 0, 2), complete=False)
    return read_table(table_of(rows, typed, path), form)


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


def write_csv(W: HasLinks, path: Path, options: Options) -> None:
    """Write links i, j, w, or the dense matrix with ids; text ids are quoted, integers are not."""
    rows = table_rows(W, path, options.form or "links")
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows(rows)
